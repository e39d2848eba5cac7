/** A web service that is taught new things while it answers: prompt tuning as a request, its result as the next one. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer, json } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { isGlipError } from "glip-sdk";
import { z } from "zod";
import { Conflict, type LessonOptions, Teacher } from "./teacher.ts";

const coco = z.strictObject({ format: z.literal("coco"), annotations: z.string(), images: z.string() });
const voc = z.strictObject({ format: z.literal("voc"), annotations: z.string(), images: z.string() });
const dataset = z.discriminatedUnion("format", [coco, voc]);

/** Body of `PUT /prompts/NAME`. */
const lessonSchema = z.strictObject({
  train: dataset,
  val: dataset.optional(),
  shots: z.int().min(1).optional(),
  steps: z.int().min(1).default(100),
  batchSize: z.int().min(1).default(8),
}) satisfies z.ZodType<LessonOptions>;

export interface App {
  url: string;
  /** Ends it; what is being taught goes on, and the app that is started next knows of it. */
  close: () => Promise<void>;
}

/** @param port 0: any that is free */
export async function start(folder: string, port: number): Promise<App> {
  const teacher = await Teacher.open(folder);
  const server = createServer((request, response) => void answer(teacher, request, response));
  // Requests name files of this host: they are for whoever is on it.
  server.listen(port, "localhost");
  await once(server, "listening");
  const closed = once(server, "close").then(() => teacher[Symbol.asyncDispose]());
  const close = (): Promise<void> => {
    server.close();
    server.closeAllConnections();
    return closed;
  };
  return { url: `http://localhost:${(server.address() as AddressInfo).port}`, close };
}

async function answer(teacher: Teacher, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const left = new AbortController();
  response.once("close", () => left.abort());
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
  const [, root, name, verb] = pathname.split("/");
  const route = `${request.method} /${root}${name ? "/NAME" : ""}${verb ? `/${verb}` : ""}`;
  try {
    if (name !== undefined && !/^[\w-]{1,40}$/.test(name)) throw new Conflict(`${name} is no name`);
    if (route === "GET /prompts") send(response, 200, teacher.lessons);
    else if (route === "PUT /prompts/NAME" && name) {
      send(response, 202, teacher.teach(name, lessonSchema.parse(await json(request))));
    } else if (route === "GET /prompts/NAME/events" && name) await tell(teacher, name, response, left.signal);
    else if (route === "DELETE /prompts/NAME" && name) {
      await teacher.stop(name);
      send(response, 202, {});
    } else if (route === "POST /prompts/NAME/detect" && name) {
      const threshold = searchParams.has("threshold") ? Number(searchParams.get("threshold")) : undefined;
      send(response, 200, await teacher.detect(name, await buffer(request), threshold, left.signal));
    } else send(response, 404, { message: `there is no ${route}` });
  } catch (error) {
    if (!response.headersSent && !response.destroyed) refuse(error, response);
  }
}

/** Server-sent events: how a prompt is getting on, until it is done. */
async function tell(teacher: Teacher, name: string, response: ServerResponse, signal: AbortSignal): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  let told = "";
  while (!signal.aborted) {
    const lesson = teacher.lessons.find((one) => one.name === name);
    const now = JSON.stringify(lesson ?? null);
    if (now !== told) response.write(`data: ${(told = now)}\n\n`);
    if (lesson?.state !== "learning") break;
    await sleep(200);
  }
  response.end();
}

function refuse(error: unknown, response: ServerResponse): void {
  const theirs = error instanceof Conflict || error instanceof z.ZodError || error instanceof SyntaxError;
  const status = error instanceof Conflict ? 409 : theirs || isGlipError(error) ? 400 : 500;
  if (status === 500) console.error(error);
  const message = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
  send(response, status, { message: status === 500 ? "the service's log says what went wrong" : message });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
