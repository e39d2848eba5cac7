import type { Command } from "commander";
import { existsSync } from "node:fs";
import { listRuns, type UnreadableRun } from "../training/folder/list.ts";
import { lastOf, type RunRecord } from "../training/folder/record.ts";
import { table } from "./table.ts";
import { duration, metric, number, place } from "./view/words.ts";

const FOLDER = "runs";
const HEAD = ["run", "state", "step", "loss", "metric", "left", "changed"];
/** Columns for a run's folder. */
const WIDEST = 60;

export function addRuns(program: Command): void {
  program
    .command("runs [folder]")
    .description("list the trainings in a folder and below it, the latest first (default: runs)")
    .option("--json", "print JSON, a run a line")
    .action(async (folder: string | undefined, { json }: { json?: boolean }) => {
      // Nobody named the default one: that it is not there is no mistake.
      const runs = folder === undefined && !existsSync(FOLDER) ? [] : await listRuns(folder ?? FOLDER);
      if (json) for (const run of runs) console.log(JSON.stringify(summary(run)));
      else if (runs.length === 0) console.log("There are no runs.");
      else console.log(table([HEAD, ...runs.map(row)], WIDEST).join("\n"));
    });
}

/** What is known of a run without what it did on the way. */
function summary(run: RunRecord | UnreadableRun) {
  if (run.state === "unreadable") return unreadable(run);
  const { output, state, start, end, events, changed } = run;
  const step = lastOf(events, "step");
  return {
    output,
    state,
    step: step?.step ?? start?.step ?? 0,
    totalSteps: step?.total_steps ?? start?.total_steps ?? null,
    loss: step?.losses["total"] ?? null,
    etaSeconds: state === "running" ? (step?.eta_seconds ?? null) : null,
    metrics: lastOf(events, "evaluation")?.metrics ?? null,
    checkpoint: lastOf(events, "checkpoint")?.path ?? null,
    error: end?.type === "failed" ? { code: end.code, message: end.message } : null,
    changed: new Date(changed).toISOString(),
  };
}

function unreadable({ output, state, error, changed }: UnreadableRun) {
  const unknown = { step: null, totalSteps: null, loss: null, etaSeconds: null, metrics: null, checkpoint: null };
  const { code, message } = error;
  return { output, state, ...unknown, error: { code, message }, changed: new Date(changed).toISOString() };
}

function row(run: RunRecord | UnreadableRun): string[] {
  const { output, state, step, totalSteps, loss, metrics, etaSeconds } = summary(run);
  const [name, value] = Object.entries(metrics ?? {})[0] ?? [];
  return [
    place(output),
    state,
    `${step ?? "?"}/${totalSteps ?? "?"}`,
    number(loss),
    name === undefined ? "–" : `${name} ${metric(value)}`,
    etaSeconds === null ? "–" : duration(etaSeconds),
    `${duration((Date.now() - run.changed) / 1000)} ago`,
  ];
}
