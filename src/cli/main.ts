import { readFileSync } from "node:fs";

import { Command } from "commander";

import { addAnswer } from "./answer.ts";
import { addAttach } from "./attach.ts";
import { addCaption } from "./caption.ts";
import { addCompare } from "./compare.ts";
import { addDetect } from "./detect.ts";
import { addDoctor } from "./doctor.ts";
import { addEvaluate } from "./evaluate.ts";
import { addExport } from "./export.ts";
import { fail } from "./fail.ts";
import { addFewShot } from "./few-shot.ts";
import { addGround } from "./ground.ts";
import { addKeys } from "./keys.ts";
import { addReport } from "./run-report.ts";
import { addRuns } from "./runs.ts";
import { addScenes } from "./scenes.ts";
import { addSegment } from "./segment.ts";
import { addSetup } from "./setup.ts";
import { addFinetune, addPretrain } from "./train.ts";
import { addWeights } from "./weights.ts";
import { addWorker } from "./worker.ts";

/** The version in package.json, which lies two folders up in the sources and in the package alike. */
function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return (manifest as { version: string }).version;
}

/**
 * Nobody reads what is printed any more, as behind `| head`. What a Ctrl-C ends with care ends as by one, anything else at
 * once. The writes that come after fail too, and are no second Ctrl-C.
 */
function endUnread(): void {
  if (process.listenerCount("SIGINT") === 0) process.exit();
  process.emit("SIGINT", "SIGINT");
}

let unread = false;
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  if (!unread) endUnread();
  unread = true;
});

const program = new Command("glip").description("GLIP and GLIPv2 from TypeScript").version(version());
addSetup(program);
addDoctor(program);
addDetect(program);
addGround(program);
addSegment(program);
addAnswer(program);
addCaption(program);
addEvaluate(program);
addCompare(program);
addExport(program);
addPretrain(program);
addFinetune(program);
addFewShot(program);
addRuns(program);
addAttach(program);
addReport(program);
addWorker(program);
addKeys(program);
addWeights(program);
addScenes(program);

try {
  await program.parseAsync();
} catch (error) {
  fail(error);
}
