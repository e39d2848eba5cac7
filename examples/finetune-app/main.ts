/**
 * Runs the service until Ctrl-C. Needs `npx glip setup` once; from this repository:
 *
 *   PORT=8080 node scripts/run.mjs examples/finetune-app/main.ts
 *   npx glip scenes --out scenes --train 0 --val 20 --tune 100
 *   curl -X PUT localhost:8080/prompts/twemoji -d '{"train": {"format": "coco",
 *     "annotations": "scenes/tune-style/instances.json", "images": "scenes/tune-style/images"}}'
 *   curl localhost:8080/prompts/twemoji/events
 *   curl --data-binary @scenes/val-style/images/000000.jpg localhost:8080/prompts/twemoji/detect
 */
import { once } from "node:events";
import { isGlipError } from "glip-sdk";
import { start } from "./app.ts";

try {
  const { url, close } = await start(process.env["FOLDER"] ?? "runs/prompts", Number(process.env["PORT"] ?? 8080));
  console.log(`${url}/prompts`);
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  await close();
  console.log("closed");
} catch (error) {
  console.error(isGlipError(error) ? error.message : error);
  process.exitCode = 1;
}
