import * as fs from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { generateCurveKeys } from "../bridge/curve-keys.ts";
import type { CurveKeys } from "../bridge/transport.ts";
import { GlipError, messageOf } from "../errors.ts";

const key = z.string().length(40);
const workerKeys = z.strictObject({ publicKey: key, secretKey: key, clients: z.record(z.string(), key) });
const clientKeys = z.strictObject({ serverKey: key, publicKey: key, secretKey: key });

/** A worker's own CURVE keys, and the public keys of the clients that it lets in, by name. */
export type WorkerKeys = z.infer<typeof workerKeys>;

const workerFile = "worker.json";

/**
 * Writes CURVE keys into a folder: `worker.json` for the worker's host, `<client>.json` for the client's (both 0600).
 * Further clients are added to the `worker.json` that is there; a worker that runs must be started again to let them in.
 *
 * @returns the paths of the two files
 * @throws GlipError `file_error`; the client's file is never overwritten
 */
export function writeKeys(directory: string, client: string): { worker: string; client: string } {
  const paths = { worker: join(directory, workerFile), client: join(directory, `${client}.json`) };
  if (client === "worker" || !/^[\w.-]{1,64}$/.test(client)) {
    const details = {
      path: "client",
      expected: "a name of letters, digits, . _ -, other than worker",
      received: client,
    };
    throw new GlipError("invalid_argument", `client: expected ${details.expected}, got ${client}`, details);
  }
  if (fs.existsSync(paths.client)) throw fileError(paths.client, "it exists already; choose another client name");
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const worker = fs.existsSync(paths.worker) ? readWorkerKeys(paths.worker) : { ...generateCurveKeys(), clients: {} };
  const own = generateCurveKeys();
  write(paths.client, { serverKey: worker.publicKey, ...own });
  write(paths.worker, { ...worker, clients: { ...worker.clients, [client]: own.publicKey } });
  return paths;
}

/** @throws GlipError `file_error` */
export function readWorkerKeys(path: string): WorkerKeys {
  return read(path, workerKeys);
}

/** @throws GlipError `file_error` */
export function readClientKeys(path: string): CurveKeys {
  return read(path, clientKeys);
}

function read<T>(path: string, schema: z.ZodType<T>): T {
  try {
    const parsed = schema.safeParse(JSON.parse(fs.readFileSync(path, "utf8")));
    if (parsed.success) return parsed.data;
  } catch (error) {
    throw fileError(path, messageOf(error), error);
  }
  // What is in it stays out of the error: it may be a secret key.
  throw fileError(path, "it is not a key file of this kind; `npx glip keys` makes them");
}

function write(path: string, value: unknown): void {
  const temporary = `${path}.${process.pid}`;
  fs.writeFileSync(temporary, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600 });
  fs.renameSync(temporary, path);
}

function fileError(path: string, reason: string, cause?: unknown): GlipError<"file_error"> {
  return new GlipError("file_error", `${path}: ${reason}`, { path, reason }, { cause });
}
