/**
 * Uses the service as its clients do, the badly behaved ones too, and asserts what it answers. From this repository:
 * node scripts/run.mjs examples/app/check.ts
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { json } from "node:stream/consumers";
import type { DetectionsData } from "glip-sdk";
import { start } from "./app.ts";

const app = await start(0);
const pig = readFileSync("examples/pictures/pig.jpg");

const post = (query: string, body: Uint8Array, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${app.url}/detect?${query}`, { method: "POST", body: new Uint8Array(body), headers });
const detect = async (query: string): Promise<DetectionsData> =>
  (await (await post(query, pig)).json()) as DetectionsData;

// Objects as JSON.
const { objects } = await detect("categories=pig,carrot&threshold=0.4");
console.log("found:", objects.map(({ label, score }) => `${label} ${score.toFixed(2)}`).join(", "));
assert.ok(objects.some(({ label }) => label === "pig") && objects.every(({ score }) => score > 0.4));

// Drawn.
const drawn = await post("categories=pig", pig, { accept: "image/png" });
assert.equal(drawn.headers.get("content-type"), "image/png");
const png = Buffer.from(await drawn.arrayBuffer());
assert.equal(png.toString("latin1", 1, 4), "PNG");
console.log(`drawn: ${png.length} bytes`);

// Many clients at once.
const answers = await Promise.all(Array.from({ length: 4 }, () => detect("categories=pig,carrot&threshold=0.4")));
for (const answer of answers) assert.equal(answer.objects.length, objects.length);

// What is wrong is refused by its name, and the next request is answered.
const refused: [status: number, message: RegExp, response: Promise<Response>][] = [
  [400, /^categories: expected at least one category/, post("", pig)],
  [400, /^categories\[1\]: expected another name/, post("categories=pig,pig", pig)],
  [400, /^options.threshold: expected number <=1/, post("categories=pig&threshold=7", pig)],
  [400, /^image: expected the bytes of an encoded picture/, post("categories=pig", new Uint8Array())],
  [422, /^image: it is no picture/, post("categories=pig", Buffer.from("no picture"))],
  [422, /^image: it is damaged or cut off/, post("categories=pig", pig.subarray(0, 20_000))],
  [413, /at most 16 MiB/, post("categories=pig", new Uint8Array(17 * 2 ** 20))],
  [405, /POST a picture/, fetch(`${app.url}/detect`)],
  [404, /there is no \/segment/, fetch(`${app.url}/segment`)],
];
for (const [status, pattern, response] of refused) {
  const { message } = (await (await response).json()) as { message: string };
  assert.equal((await response).status, status);
  assert.match(message, pattern);
  console.log(`refused (${status}): ${message}`);
}

// SIGTERM: who is being served gets an answer, then nothing is left.
const url = `${app.url}/detect?categories=pig,carrot&threshold=0.4`;
const last = request(url, { method: "POST", headers: { expect: "100-continue" } });
last.flushHeaders();
await once(last, "continue");
process.kill(process.pid, "SIGTERM");
last.end(pig);
const [response] = (await once(last, "response")) as [IncomingMessage];
assert.equal(((await json(response)) as DetectionsData).objects.length, objects.length);
await app.closed;
await assert.rejects(detect("categories=pig"));
console.log("closed");
