/**
 * Runs the service until SIGTERM or Ctrl-C. Needs `npx glip setup` once; from this repository:
 *
 *   PORT=8080 node scripts/run.mjs examples/app/main.ts
 *   curl --data-binary @examples/pictures/pig.jpg "http://localhost:8080/detect?categories=pig,carrot"
 *   curl --data-binary @examples/pictures/pig.jpg "http://localhost:8080/detect?categories=pig" -H "accept: image/png" -o pig.png
 */
import { isGlipError } from "glip-sdk";
import { start } from "./app.ts";

try {
  const { url, closed } = await start(Number(process.env["PORT"] ?? 8080));
  console.log(`POST pictures to ${url}/detect?categories=…`);
  await closed;
  console.log("closed");
} catch (error) {
  console.error(isGlipError(error) ? error.message : error);
  process.exitCode = 1;
}
