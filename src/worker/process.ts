import { execa } from "execa";
import { GlipError, messageOf, type WorkerDeath } from "../errors.ts";
import { WorkerLog, type LogLine } from "./log.ts";

export interface ProcessOptions {
  command: readonly [string, ...string[]];
  env: Record<string, string>;
  /** The first line on its stdin. */
  settings: string;
  logDirectory: string | undefined;
  onLogLine: (line: LogLine) => void;
}

export interface Exit {
  exitCode: number | undefined;
  signal: string | undefined;
}

/** The close ladder: how long each step may take before the next, in milliseconds. */
export const closeLadder = {
  /** After SIGTERM to the worker: it ends what it does, says goodbye and leaves. */
  askMs: 3000,
  /** After SIGKILL to its group: the kernel cleans up. */
  killMs: 2000,
} as const;

/** One worker process and whatever it starts, in a session and process group of its own. */
export class WorkerProcess {
  readonly log: WorkerLog;
  readonly pid: number | undefined;
  /** Resolves when the process is gone and its output read, however it went. */
  readonly exited: Promise<Exit>;
  exit: Exit | undefined;
  readonly #child;

  constructor({ command: [file, ...args], env, settings, logDirectory, onLogLine }: ProcessOptions) {
    this.log = new WorkerLog(logDirectory, onLogLine);
    // Detached: Ctrl-C in the terminal is the SDK's to handle, and the group can be killed as a whole.
    this.#child = execa(file, args, {
      env,
      extendEnv: false,
      detached: process.platform !== "win32",
      cleanup: true,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      buffer: false,
      reject: false,
      windowsHide: true,
    });
    this.pid = this.#child.pid;
    this.log.follow("stdout", this.#child.stdout);
    this.log.follow("stderr", this.#child.stderr);
    // A worker that dies while starting closes its end: its exit says more than EPIPE.
    this.#child.stdin.on("error", () => {});
    // Stays open: its end tells the worker that this process is gone.
    this.#child.stdin.write(`${settings}\n`);
    this.exited = this.#waitForExit();
  }

  /** What is known of its end, for an error. */
  get death(): WorkerDeath {
    return {
      pid: this.pid,
      exitCode: this.exit?.exitCode,
      signal: this.exit?.signal,
      lastLogLines: this.log.lastLines,
      logFile: this.log.file,
    };
  }

  /** Asks the process to leave, then kills its group. Resolves when it is gone. */
  async close(): Promise<void> {
    if (this.exit === undefined) {
      this.#ask();
      if (await this.#goneWithin(closeLadder.askMs)) return this.#release();
    }
    await this.kill();
  }

  /** Not by the child's `kill`: in Deno that closes its pipes too, which ends the worker before it has said goodbye. */
  #ask(): void {
    if (this.pid === undefined) return;
    try {
      process.kill(this.pid, "SIGTERM");
    } catch {
      // It has just gone.
    }
  }

  /** Kills the whole group at once. Resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#killGroup();
    await this.#goneWithin(closeLadder.killMs);
    this.#release();
  }

  #release(): void {
    this.#killGroup();
    this.#child.stdin.destroy();
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
    this.log.close();
  }

  #killGroup(): void {
    if (this.pid === undefined) return;
    try {
      if (process.platform === "win32") this.#child.kill("SIGKILL");
      else process.kill(-this.pid, "SIGKILL");
    } catch {
      // The group is empty already.
    }
  }

  async #waitForExit(): Promise<Exit> {
    const child = this.#child;
    const exit = await new Promise<Exit>((resolve) => {
      child.once("exit", (code, signal) => resolve({ exitCode: code ?? undefined, signal: signal ?? undefined }));
      void child.then((result) => {
        // Only a process that could not be started ends without "exit".
        if (result.cause !== undefined && this.pid === undefined) this.#startError = result.cause;
        resolve({ exitCode: result.exitCode, signal: result.signal });
      });
    });
    // The last lines may still be in the pipe; a grandchild that holds it open must not keep us waiting.
    await Promise.race([child.catch(() => {}), new Promise((resolve) => setTimeout(resolve, 100).unref())]);
    this.exit = exit;
    return exit;
  }

  #startError: unknown;

  /** Why the program could not be started at all; undefined when it ran. */
  get startError(): string | undefined {
    return this.#startError === undefined ? undefined : messageOf(this.#startError);
  }

  #goneWithin(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      void this.exited.then(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }
}

/** How a process ended, in words: "exit code 7" or "SIGKILL". */
export function describeExit({ exitCode, signal }: Pick<WorkerDeath, "exitCode" | "signal">): string {
  return signal ?? (exitCode === undefined ? "an unknown cause" : `exit code ${exitCode}`);
}

/** The error for a worker process that ended while it was in use. */
export function workerDied(worker: WorkerProcess, cause?: unknown): GlipError<"worker_died"> {
  const { death } = worker;
  return new GlipError("worker_died", `The worker died (${describeExit(death)}).${tail(death)}`, death, { cause });
}

/** The last words of a worker and where to read on. */
export function tail({ lastLogLines, logFile }: WorkerDeath): string {
  const lines = lastLogLines.slice(-5).map((line) => `\n  ${line}`);
  return (
    (lines.length > 0 ? ` Its last words:${lines.join("")}` : " It wrote nothing.") +
    (logFile === undefined ? "" : `\nLog: ${logFile}`)
  );
}
