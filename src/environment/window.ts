import { createRequire } from "node:module";
import * as net from "node:net";
import { dirname } from "node:path";
import { GlipError } from "../errors.ts";

/**
 * Something in Python, reached through pythonia: read attributes, index, call; `await` gives the value (text and
 * numbers as they are, everything else as another PythonObject), assigning sets it. `name$(…, { keyword })` passes
 * keyword arguments. pythonia's README tells it all.
 */
export type PythonObject = ((...args: unknown[]) => PythonObject) &
  PromiseLike<unknown> & { [name: string]: PythonObject };

/**
 * A live window into the running worker. It executes whatever it is told, inside the worker. What Python raises rejects
 * as GlipError `worker_error`; after `close`, everything rejects as `worker_closed`.
 */
export interface PythonWindow extends Disposable {
  /** The worker's own objects: `worker`, `engine`, `device`, `registry`, `settings`, `modules`. */
  scope: PythonObject;
  /** A Python module by its name: a PythonObject, once awaited. */
  import(name: string): Promise<unknown>;
  /** The value of a Python expression; `names` are visible in it. */
  evaluate(expression: string, names?: Record<string, unknown>): Promise<unknown>;
  /** Ends the window, not the worker. Idempotent. */
  close(): void;
}

/** What pythonia's Bridge needs to talk to Python. */
interface Com {
  register(id: string | number, handler: Handler): void;
  write(message: { r: number }, handler?: Handler): void;
  writeRaw(text: string, id: number, handler: Handler): void;
}

type Handler = (message: Record<string, unknown>) => boolean | undefined | void;

interface Bridge {
  makePyObject(id: number): PythonObject;
  end(): void;
}

// Importing pythonia itself starts a Python of its own at once, and fails in Deno and Bun: only its Bridge is needed.
const bridgeModule = "pythonia/src/pythonia/Bridge.js";
const require = createRequire(import.meta.url);

/** The folder that holds pythonia's Python half. */
export function bridgeDirectory(): string {
  return dirname(require.resolve(bridgeModule));
}

/** Connects to the window of a worker. @throws GlipError `connection_refused` */
export async function openWindow(path: string): Promise<PythonWindow> {
  const socket = net.connect({ path });
  await new Promise<void>((connected, failed) => {
    socket.once("connect", connected);
    socket.once("error", (error) => {
      const text = `The window into Python at ${path} does not answer: ${error.message}`;
      failed(new GlipError("connection_refused", text, { endpoint: path, reason: error.message }, { cause: error }));
    });
  });
  const { Bridge } = require(bridgeModule) as { Bridge: new (com: Com) => Bridge };
  const bridge = new Bridge(new SocketCom(socket));
  socket.once("close", () => bridge.end());
  const root = bridge.makePyObject(0);
  const callRoot = async (name: string, ...args: unknown[]): Promise<unknown> => (root[name] as PythonObject)(...args);
  const close = (): void => {
    bridge.end();
    socket.destroy();
  };
  return {
    scope: (await callRoot("worker")) as PythonObject,
    import: (name) => callRoot("python", name),
    evaluate: (expression, names = {}) => callRoot("eval", expression, null, names),
    close,
    [Symbol.dispose]: close,
  };
}

/** One JSON message a line, over the worker's private socket. */
class SocketCom implements Com {
  readonly #socket: net.Socket;
  readonly #handlers = new Map<string | number, Handler>();
  #rest = "";

  constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => this.#read(text));
    socket.on("error", () => {});
    socket.on("close", () => this.#end());
    // An open window alone does not keep the program running.
    socket.unref();
  }

  register(id: string | number, handler: Handler): void {
    this.#handlers.set(id, handler);
  }

  write(message: { r: number }, handler?: Handler): void {
    if (handler !== undefined) this.#handlers.set(message.r, handler);
    this.#send(JSON.stringify(message));
  }

  writeRaw(text: string, id: number, handler: Handler): void {
    this.#handlers.set(id, handler);
    this.#send(text);
  }

  #send(line: string): void {
    if (this.#socket.destroyed) this.#end();
    else this.#socket.write(`${line}\n`);
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") this.#dispatch(JSON.parse(line) as Record<string, unknown>);
  }

  #dispatch(message: Record<string, unknown>): void {
    const callback = this.#handlers.get(message["c"] as string);
    if (callback !== undefined) return void callback(message);
    const id = message["r"] as number;
    const handler = this.#handlers.get(id);
    // A handler that returns true waits for a further message.
    if (handler === undefined) return;
    const failed = message["key"] === "error";
    const answer = failed ? refusal(message, () => pythonError(String(message["sig"]))) : message;
    if (handler(answer) !== true) this.#handlers.delete(id);
  }

  #end(): void {
    for (const [id, handler] of this.#handlers) {
      if (id === "jsi") continue;
      this.#handlers.delete(id);
      handler(refusal({ r: id, key: "error", val: "" }, closed));
    }
  }
}

/**
 * An answer that makes Bridge reject the call with our error: Bridge reads `sig` to make one of its own, which has no
 * message, and which it cannot make in Bun.
 */
function refusal(message: Record<string, unknown>, error: () => GlipError): Record<string, unknown> {
  const get = (): never => {
    throw error();
  };
  return Object.defineProperty({ ...message }, "sig", { get });
}

function pythonError(traceback: string): GlipError<"worker_error"> {
  // The first line after the frames that is not indented; further ones belong to the exception's own text.
  const summary = traceback.slice(traceback.lastIndexOf('\n  File "') + 1).match(/^\S.*/m)?.[0] ?? "an unknown error";
  return new GlipError("worker_error", `Python: ${summary}`, { type: summary.replace(/:.*$/, ""), traceback });
}

function closed(): GlipError<"worker_closed"> {
  return new GlipError("worker_closed", "The window into Python is closed; open it again with python()", {});
}
