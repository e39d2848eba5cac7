import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./folders.ts";

export interface RunContent {
  benchmark?: string;
  metrics?: Record<string, number | null>;
  parts?: Record<string, Record<string, Record<string, number | null>>>;
  notes?: Record<string, string>;
  problems?: { kind: string; where: string; reason: string }[];
  /** Lines of predictions. */
  lines?: readonly (object | string)[];
  details?: object;
  /** Whether it has a result. @default true */
  ended?: boolean;
}

/** A folder as a benchmark's run leaves it. */
export function benchmarkRun(content: RunContent = {}, name = "mine"): string {
  const { benchmark = "coco", metrics = { "box.AP": 0.4567, "box.APl": null }, ended = true } = content;
  const folder = join(temporaryFolder(), name);
  mkdirSync(folder);
  const write = (file: string, value: object): void => writeFileSync(join(folder, file), JSON.stringify(value));
  write("run.json", {
    benchmark,
    model: "native 1234",
    files: { annotations: "/data/a.json" },
    sha256: {},
    masks: false,
  });
  const lines = (content.lines ?? []).map((line) => (typeof line === "string" ? line : JSON.stringify(line)));
  writeFileSync(join(folder, "predictions.jsonl"), lines.map((line) => `${line}\n`).join(""));
  const { parts = {}, notes = {}, problems = [] } = content;
  if (ended) write("result.json", { benchmark, pictures: 12, problems, metrics, parts, notes, seconds: 3.2 });
  if (content.details !== undefined) write("details.json", content.details);
  return folder;
}
