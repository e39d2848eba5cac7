import { spawn } from "node:child_process";
import { setTimeout as startTimer } from "node:timers";

import { cancelled, throwIfCancelled } from "./cancelled.ts";

export interface CommandOptions {
  /** @default the environment of this process */
  env?: NodeJS.ProcessEnv | undefined;
  /** @default the directory of this process */
  cwd?: string | undefined;
  /** Kills the process. */
  signal?: AbortSignal | undefined;
  /** Kills the process when it takes longer. @default no limit */
  timeoutMs?: number | undefined;
  /** Hears the process id as soon as there is one. */
  onSpawn?: ((pid: number) => void) | undefined;
  /** Hears what the tool writes to stderr, as it comes. */
  onStderr?: ((text: string) => void) | undefined;
}

export interface CommandResult {
  /** Undefined when a signal ended it. */
  exitCode: number | undefined;
  stdout: string;
  /** With a line of ours at its end when the time limit ended it. */
  stderr: string;
}

/**
 * Runs a short-lived tool, without a shell, and collects what it writes. Whatever its exit code the promise resolves;
 * it rejects when the program cannot be started (the system's error), and with `cancelled` when `signal` aborts.
 */
export function runCommand(file: string, args: string[], options: CommandOptions = {}): Promise<CommandResult> {
  const { env, cwd, signal, timeoutMs, onSpawn, onStderr } = options;
  return new Promise((resolve, reject) => {
    throwIfCancelled(signal);
    const child = spawn(file, args, {
      env: env ?? process.env,
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true,
    });
    const output = { stdout: "", stderr: "" };
    const kill = (): void => void child.kill("SIGKILL");
    signal?.addEventListener("abort", kill, { once: true });
    const timer =
      timeoutMs === undefined
        ? undefined
        : startTimer(() => {
            output.stderr += `\ngave no answer for ${timeoutMs / 1000} s`;
            kill();
            // A grandchild may hold the pipes open; what it would still write is not waited for.
            child.stdout.destroy();
            child.stderr.destroy();
          }, timeoutMs);
    const settle = (finish: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", kill);
      finish();
    };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output.stderr += text;
      onStderr?.(text);
    });
    child.on("error", (error) => settle(() => reject(error)));
    child.on("close", (code) =>
      settle(() => (signal?.aborted ? reject(cancelled(signal)) : resolve({ exitCode: code ?? undefined, ...output }))),
    );
    if (child.pid !== undefined) onSpawn?.(child.pid);
  });
}

/** The last lines of a tool's output, for an error message. */
export function lastLines(text: string, count = 20): string {
  return text.trim().split(/\r?\n/).slice(-count).join("\n");
}
