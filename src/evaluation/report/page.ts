import { STYLE as COMMON } from "../../training/report/style.ts";
import { escapeHtml } from "../../training/table.ts";
import type { Comparison } from "../comparison.ts";
import type { BenchmarkRun } from "../run-folder.ts";
import { type DrawnCase, verdictColors } from "./cases.ts";
import { bars, precisionChart } from "./charts.ts";
import { STYLE } from "./style.ts";

/** More parts are shown by their ends, with all of them below. */
const MOST_BARS = 100;
const END_BARS = 40;

/** Of the figures: the first so many. */
const TILES = 6;

/** What each count of errors is, as a reader has not heard of it. */
const ERRORS: Readonly<Record<string, string>> = {
  right: "right",
  duplicate: "found twice",
  box: "poor box",
  category: "another category",
  background: "nothing there",
  missed: "missed",
  none: "nothing found",
};

export interface ReportContent {
  run: BenchmarkRun;
  /** Undefined where nothing is published to compare with. */
  comparison: Comparison | undefined;
  cases: readonly DrawnCase[];
}

/** The whole page; it needs nothing from elsewhere. */
export function benchmarkPage({ run, comparison, cases }: ReportContent): string {
  const { name, benchmark, output, pictures, seconds, parts, problems, model, files } = run;
  const of = (kind: DrawnCase["kind"]): DrawnCase[] => cases.filter((one) => one.kind === kind);
  const sections = [
    section("Beside published figures", comparison === undefined ? "" : published(comparison)),
    section(run.details?.curves.length ? "Precision and errors" : "Right and wrong", curvesAndErrors(run)),
    ...Object.entries(parts).map(([kind, rows]) => section(partsTitle(kind, rows), partBars(rows))),
    section("The worst pictures", caseGrid(of("picture"))),
    section("Errors with the highest scores", caseGrid(of("error"))),
    section("All figures", figureTable(run)),
    folded(`Pictures that were left out: ${problems.length}`, problemList(run)),
    folded("The run", pairs({ model, ...files })),
  ];
  const sub = [benchmark, `${pictures} pictures`, `${seconds.toFixed(0)} s`, output].join(" · ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(name)} – ${escapeHtml(benchmark)} report</title>
<style>${COMMON}${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(name)}</h1>
<div class="sub">${escapeHtml(sub)}</div>
${tiles(run)}
${notes(run)}
${sections.filter((text) => text !== "").join("\n")}
</main>
</body>
</html>
`;
}

function tiles({ metrics }: BenchmarkRun): string {
  const known = Object.entries(metrics).filter((row): row is [string, number] => row[1] !== null);
  const cells = known
    .slice(0, TILES)
    .map(([name, value]) => `<div class="tile"><b>${value.toFixed(3)}</b><span>${escapeHtml(name)}</span></div>`);
  return `<div class="tiles">${cells.join("")}</div>`;
}

function notes({ notes }: BenchmarkRun): string {
  const texts = Object.entries(notes).map(([figure, text]) => `${figure}: ${text}`);
  return texts.map((text) => `<div class="note">${escapeHtml(text)}</div>`).join("\n");
}

function published(comparison: Comparison): string {
  return `<div class="box published">${comparison.html()}</div>`;
}

function curvesAndErrors({ details }: BenchmarkRun): string {
  if (details === undefined) return "";
  const { curves, counts, threshold } = details;
  const rows = Object.entries(counts).map(([kind, count]) => ({
    name: ERRORS[kind] ?? kind,
    value: count,
    text: String(count),
    kind: kind === "right" || kind === "missed" ? kind : "wrong",
  }));
  const most = Math.max(...rows.map(({ value }) => value), 1);
  const hint = "missed" in counts ? `<p class="hint">${countedFrom(counts, threshold)}</p>` : "";
  const errors = rows.length === 0 ? "" : `<div class="card">${hint}${bars(rows, most)}</div>`;
  return curves.length === 0 && errors === "" ? "" : `<div class="charts">${precisionChart(curves)}${errors}</div>`;
}

function countedFrom({ right }: Readonly<Record<string, number>>, threshold: number | null): string {
  if (right === 0) return "Nothing was found right.";
  if (threshold === null) return "Of each set, what scores at least as much as where F1 of all its own is best.";
  return `What scores at least ${threshold.toFixed(3)}, from where on F1 of all is best; right is an IoU of 0.5 or more.`;
}

type Parts = BenchmarkRun["parts"][string];

/** The figure that bars show: the first of any part. */
function mainFigure(rows: Parts): string | undefined {
  return Object.keys(Object.values(rows)[0] ?? {})[0];
}

/** `questionTypes` as `Question types, box`. */
function partsTitle(kind: string, rows: Parts): string {
  const words = kind.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return escapeHtml(`${words.slice(0, 1).toUpperCase()}${words.slice(1)}, by ${mainFigure(rows) ?? "figure"}`);
}

function partBars(rows: Parts): string {
  const figure = mainFigure(rows);
  if (figure === undefined) return "";
  const known = Object.entries(rows).flatMap(([name, figures]) => {
    const value = figures[figure];
    return typeof value === "number" ? [{ name, value, text: value.toFixed(3) }] : [];
  });
  const sorted = known.toSorted((a, b) => b.value - a.value);
  const none = Object.keys(rows).length - known.length;
  const rest = none > 0 ? `<p class="hint">Without anything to measure: ${none}.</p>` : "";
  const most = Math.max(1, ...sorted.map(({ value }) => value));
  const drawn = (of: typeof sorted): string => `<div class="columns">${bars(of, most)}</div>`;
  if (sorted.length <= MOST_BARS) return `<div class="card">${rest}${drawn(sorted)}</div>`;
  const [best, worst] = [sorted.slice(0, END_BARS), sorted.slice(-END_BARS)];
  const all = `<details><summary>All ${sorted.length}</summary>${drawn(sorted)}</details>`;
  return `<div class="card">${rest}<p class="hint">The best</p>${drawn(best)}<p class="hint">The worst</p>${drawn(worst)}${all}</div>`;
}

function caseGrid(cases: readonly DrawnCase[]): string {
  if (cases.length === 0) return "";
  const there = new Set(cases.flatMap(({ boxes }) => boxes.map(({ verdict }) => verdict)));
  const keys = [...verdictColors.keys()].filter((verdict) => there.has(verdict));
  const legend = keys.map((verdict) => `<span class="key ${verdict}">${verdict}</span>`).join("");
  const figures = cases.map(({ drawn, reason, text, boxes, picture }) => {
    const said = boxes.map(
      ({ label, verdict, score }) => `${verdict} ${label}${score === null ? "" : ` ${score.toFixed(2)}`}`,
    );
    const words = said.slice(0, 6).join(", ") + (said.length > 6 ? " …" : "");
    const image =
      drawn === undefined
        ? `<div class="none">${escapeHtml(reason ?? "")}</div>`
        : `<img src="${drawn}" alt="${escapeHtml(words)}" loading="lazy">`;
    const name = picture.split(/[/\\]/).at(-1) ?? picture;
    return `<figure class="sample">${image}<figcaption><b>${escapeHtml(ERRORS[text] ?? text)}</b> · ${escapeHtml(name)}<br>${escapeHtml(words)}</figcaption></figure>`;
  });
  const colors = legend === "" ? "" : `<div class="legend">${legend}</div>`;
  return `${colors}<div class="samples">${figures.join("\n")}</div>`;
}

function figureTable({ metrics }: BenchmarkRun): string {
  const rows = Object.entries(metrics).map(
    ([name, value]) => `<tr><td>${escapeHtml(name)}</td><td>${value?.toFixed(3) ?? "–"}</td></tr>`,
  );
  return rows.length === 0 ? "" : `<div class="box"><table>${rows.join("")}</table></div>`;
}

function problemList({ problems }: BenchmarkRun): string {
  return pairs(Object.fromEntries(problems.map(({ where, reason }) => [where, reason])));
}

function pairs(content: Readonly<Record<string, string>>): string {
  const rows = Object.entries(content).map(
    ([key, value]) => `<tr><td>${escapeHtml(key)}</td><td>${escapeHtml(value)}</td></tr>`,
  );
  return rows.length === 0 ? "" : `<div class="box problems"><table class="pairs">${rows.join("")}</table></div>`;
}

function section(title: string, content: string): string {
  return content === "" ? "" : `<section><h2>${title}</h2>\n${content}</section>`;
}

function folded(title: string, content: string): string {
  return content === "" ? "" : `<details><summary>${title}</summary>\n${content}</details>`;
}
