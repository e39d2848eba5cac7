import { metricNames, type SweepGroup, type SweepRow } from "./rows.ts";

/** As many programs read tables: RFC 4180. */
export function csvOf(rows: readonly SweepRow[]): string {
  const keys = Object.keys(rows[0]?.labels ?? {});
  const names = metricNames(rows);
  const head = [...keys, "ended", "steps", "seconds", ...names, "checkpoint", "error"];
  const lines = rows.map(({ labels, ended, steps, seconds, metrics, checkpoint, error }) => [
    ...keys.map((key) => labels[key] ?? ""),
    ended,
    steps,
    seconds,
    ...names.map((name) => metrics[name] ?? ""),
    checkpoint,
    error?.message,
  ]);
  return [head, ...lines].map((line) => `${line.map(quoted).join(",")}\r\n`).join("");
}

/** The rows, and below them the groups, as a README takes them. */
export function markdownOf(rows: readonly SweepRow[], groups: readonly SweepGroup[]): string {
  const names = metricNames(rows);
  const keys = Object.keys(rows[0]?.labels ?? {});
  const each = table(
    [...keys, "ended", ...names],
    rows.map(({ labels, ended, metrics }) => [
      ...keys.map((key) => labels[key] ?? ""),
      ended,
      ...names.map((name) => decimal(metrics[name])),
    ]),
  );
  if (groups.length === 0) return each;
  const groupKeys = Object.keys(groups[0]?.labels ?? {});
  const together = table(
    [...groupKeys, "runs", ...names],
    groups.map(({ labels, runs, metrics }) => [
      ...groupKeys.map((key) => labels[key] ?? ""),
      String(runs),
      ...names.map((name) => meanAndDeviation(metrics[name])),
    ]),
  );
  return `${together}\n${each}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(" | ")} |\n`;
  return line(head) + line(head.map(() => "---")) + rows.map(line).join("");
}

function escaped(cell: string): string {
  return cell.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function quoted(value: string | number | null | undefined): string {
  const text = String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function decimal(value: number | null | undefined): string {
  return typeof value === "number" ? value.toFixed(3) : "–";
}

function meanAndDeviation(value: SweepGroup["metrics"][string] | undefined): string {
  if (value === undefined) return "–";
  return value.deviation === null ? decimal(value.mean) : `${decimal(value.mean)} ± ${decimal(value.deviation)}`;
}
