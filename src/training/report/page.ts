import type { RunEvent } from "../../protocol/run-events.ts";
import { lastOf, type RunRecord } from "../folder/record.ts";
import { escapeHtml } from "../table.ts";
import { chart, short } from "./chart.ts";
import { lossCurves, metricCurves, paceCurves } from "./figures.ts";
import type { DrawnSample } from "./samples.ts";
import { SCRIPT, STYLE } from "./style.ts";

/** The last so many are rows of the table, beside the first and the best: the charts have all. */
const LAST_EVALUATIONS = 8;

/** The whole page; it needs nothing from elsewhere. */
export function reportPage(run: RunRecord, samples: readonly DrawnSample[]): string {
  const { name, state, output, config, environment, events } = run;
  const sections = [
    section("Losses", charts(lossCurves(events).filter(({ points }) => points.length > 0))),
    section("Evaluation", evaluations(events) + charts(metricCurves(events))),
    section("What the model sees", sampleGrid(samples)),
    section("Pace", charts(paceCurves(events))),
    folded("Configuration", pairs(config)),
    folded("Environment", pairs(environment)),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(name)} – training report</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(name)}<span class="state ${state}">${state}</span></h1>
<div class="sub">${escapeHtml([output, ...when(run)].join(" · "))}</div>
${tiles(run)}
${notes(run)}
${sections.filter((text) => text !== "").join("\n")}
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

function when({ start, changed }: RunRecord): string[] {
  if (start === undefined) return [];
  const minute = (milliseconds: number): string =>
    `${new Date(milliseconds).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  return [`on ${start.host}`, `started ${minute(start.time * 1000)}`, `last event ${minute(changed)}`];
}

function tiles({ events, start }: RunRecord): string {
  const step = lastOf(events, "step");
  const evaluation = lastOf(events, "evaluation");
  const [metric, value] = Object.entries(evaluation?.metrics ?? {})[0] ?? [];
  const memory = most(
    events.map((event) => (event.type === "step" ? (event.memory_bytes ?? 0) : 0)),
    0,
  );
  const total = step?.total_steps ?? start?.total_steps ?? 0;
  const shown: [value: string, name: string][] = [[`${step?.step ?? start?.step ?? 0} / ${total}`, "steps"]];
  const loss = step?.losses["total"];
  if (typeof loss === "number") shown.push([short(loss), "total loss of the last step"]);
  if (metric !== undefined) shown.push([value?.toFixed(3) ?? "–", `${metric} (step ${evaluation?.step})`]);
  if (step !== undefined) shown.push([short(Number(step.pictures_per_second.toPrecision(3))), "pictures/s"]);
  if (memory > 0) shown.push([`${(memory / 1e9).toFixed(1)} GB`, "most memory"]);
  const cells = shown.map(
    ([text, label]) => `<div class="tile"><b>${escapeHtml(text)}</b><span>${escapeHtml(label)}</span></div>`,
  );
  return `<div class="tiles">${cells.join("")}</div>`;
}

function notes({ events, end, state }: RunRecord): string {
  const warnings = events.flatMap((event) => (event.type === "warning" ? [note(event.text)] : []));
  const failure =
    end?.type === "failed"
      ? [note(`${end.code}: ${end.message}`, "bad")]
      : state === "lost"
        ? [note("The run's process is gone without having said why, as one that is killed is.", "bad")]
        : [];
  return [...failure, ...warnings].join("\n");
}

function note(text: string, kind = ""): string {
  return `<div class="note ${kind}">${escapeHtml(text)}</div>`;
}

function charts(curves: Parameters<typeof chart>[0][]): string {
  return curves.length === 0 ? "" : `<div class="charts">${curves.map(chart).join("\n")}</div>`;
}

/** A row for the first, the best and the last evaluations; the best of each metric stands out if it is not always the same. */
function evaluations(events: readonly RunEvent[]): string {
  const all = events.filter((event) => event.type === "evaluation");
  if (all.length === 0) return "";
  const names = [...new Set(all.flatMap(({ metrics }) => Object.keys(metrics)))];
  const best = names.map((name) =>
    most(
      all.map(({ metrics }) => metrics[name] ?? -Infinity),
      -Infinity,
    ),
  );
  const differs = names.map((name) => all.length === 1 || new Set(all.map(({ metrics }) => metrics[name])).size > 1);
  const main = all.findIndex(({ metrics }) => metrics[names[0] ?? ""] === best[0]);
  const shown = all.filter((_, index) => index === 0 || index === main || index >= all.length - LAST_EVALUATIONS);
  const rows = shown.map(({ step, metrics }) => {
    const cells = names.map((name, index) => {
      const value = metrics[name];
      if (typeof value !== "number") return "<td>–</td>";
      return `<td${value === best[index] && differs[index] ? ' class="best"' : ""}>${value.toFixed(3)}</td>`;
    });
    return `<tr><td>${step}</td>${cells.join("")}</tr>`;
  });
  const head = names.map((name) => `<th>${escapeHtml(name)}</th>`).join("");
  return `<div class="box"><table><tr><th>step</th>${head}</tr>${rows.join("")}</table></div>`;
}

/** Not by Math.max: a call takes only so many arguments, and a run has as many steps as it likes. */
function most(values: readonly number[], least: number): number {
  return values.reduce((best, value) => Math.max(best, value), least);
}

function sampleGrid(samples: readonly DrawnSample[]): string {
  if (samples.length === 0) return "";
  const figures = samples.map(({ picture, reason, asked, seen }) => {
    const text = seen.length === 0 ? "nothing" : seen.join(", ");
    const drawn =
      picture === undefined
        ? `<div class="none">${escapeHtml(reason ?? "")}</div>`
        : `<img src="${picture}" alt="${escapeHtml(text)}" loading="lazy">`;
    return `<figure class="sample">${drawn}<figcaption><b>${escapeHtml(asked)}</b><br>${escapeHtml(text)}</figcaption></figure>`;
  });
  return `<div class="samples">${figures.join("\n")}</div>`;
}

/** What a JSON file says, a value a row: `losses.inter` is 0.5. */
function pairs(content: Record<string, unknown> | undefined): string {
  const rows = flat(content ?? {}).map(
    ([key, value]) => `<tr><td>${escapeHtml(key)}</td><td>${escapeHtml(value)}</td></tr>`,
  );
  return rows.length === 0 ? "" : `<div class="box"><table class="pairs">${rows.join("")}</table></div>`;
}

function flat(value: Record<string, unknown>, prefix = ""): [key: string, value: string][] {
  return Object.entries(value).flatMap(([key, one]): [string, string][] => {
    if (typeof one === "object" && one !== null && !Array.isArray(one) && Object.keys(one).length > 0)
      return flat({ ...one }, `${prefix}${key}.`);
    return [[prefix + key, typeof one === "string" ? one : JSON.stringify(one)]];
  });
}

function section(title: string, content: string): string {
  return content === "" ? "" : `<section><h2>${title}</h2>\n${content}</section>`;
}

function folded(title: string, content: string): string {
  return content === "" ? "" : `<details><summary>${title}</summary>\n${content}</details>`;
}
