import type { Ready } from "./protocol/messages.ts";
import { escapeHtml, type MediaBundle } from "./training/table.ts";

/** What a handle shows of its workers in a notebook. */
export function showWorkers(workers: readonly Ready[]): MediaBundle {
  const rows = workers.map(({ device, engine, versions, pid }) => [
    device.name,
    engine,
    `Python ${versions["python"]}, torch ${versions["torch"]}`,
    `pid ${pid}`,
  ]);
  const cells = rows.map((row) => `<tr>${row.map((cell) => `<td>${escapeHtml(cell)}</td>`).join("")}</tr>`).join("");
  return {
    "text/plain": rows.map((row) => row.join(" | ")).join("\n"),
    "text/html": `<table><tr><th>device</th><th>engine</th><th>versions</th><th>process</th></tr>${cells}</table>`,
  };
}
