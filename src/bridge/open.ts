import { messageOf } from "../errors.ts";
import { silentLogger, type Logger } from "../logger.ts";
import { transportUnavailable } from "./failures.ts";
import { loadZeroMq, openNative } from "./native.ts";
import type { Transport, TransportHandlers, TransportOptions } from "./transport.ts";
import { openZmtp } from "./zmtp/dealer.ts";

/**
 * `zeromq`: libzmq through its native add-on, Node only. `zmtp`: the same protocol in plain TypeScript, everywhere.
 * `auto`: `zeromq` in Node when the add-on loads, else `zmtp`.
 */
export type TransportChoice = "auto" | "zeromq" | "zmtp";

/** Why the add-on must not even be loaded in a runtime: it does not fail there, it takes the process with it. */
const unusableIn: Record<"deno" | "bun", string> = {
  deno: 'in Deno the native add-on hangs after some messages; use "auto" or "zmtp"',
  bun: 'in Bun the native add-on aborts the process (unsupported uv function); use "auto" or "zmtp"',
};

/**
 * Opens a connection with the chosen transport.
 *
 * @throws GlipError as `OpenTransport` says; `transport_unavailable` when `zeromq` was asked for and cannot be used
 */
export async function openTransport(
  choice: TransportChoice,
  options: TransportOptions,
  handlers: TransportHandlers,
): Promise<Transport> {
  const chosen = choice === "auto" ? await chooseTransport(options.logger ?? silentLogger) : choice;
  if (chosen === "zmtp") return openZmtp(options, handlers);
  const runtime = currentRuntime();
  if (runtime !== "node") throw transportUnavailable("zeromq", unusableIn[runtime]);
  return openNative(options, handlers);
}

async function chooseTransport(logger: Logger): Promise<"zeromq" | "zmtp"> {
  const runtime = currentRuntime();
  if (runtime !== "node") {
    logger.info(`transport: zmtp, because ${unusableIn[runtime].split(";")[0]}`);
    return "zmtp";
  }
  try {
    await loadZeroMq();
    logger.debug("transport: zeromq, because its native add-on loaded");
    return "zeromq";
  } catch (error) {
    logger.warn(`transport: zmtp instead of zeromq. ${messageOf(error)}`);
    return "zmtp";
  }
}

export function currentRuntime(): "node" | "deno" | "bun" {
  if (process.versions["bun"] !== undefined) return "bun";
  return "Deno" in globalThis ? "deno" : "node";
}
