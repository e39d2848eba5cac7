/** The benchmarks' Python scripts, and how they are run. */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface Interpreter {
  python: string;
  /** The official code, for the scripts that need it. */
  checkout?: string | undefined;
}

/** Of the repository. Scripts run compiled, elsewhere; package.json is linked there. */
export const root = dirname(realpathSync(fileURLToPath(new URL("../../../package.json", import.meta.url))));

/** Absolute path of something in scripts/bench/. */
export function scriptPath(...parts: string[]): string {
  return join(root, "scripts", "bench", ...parts);
}

/** What the official code needs to be found, what all of them share, and that nothing goes over the network. */
export function scriptEnvironment({ checkout }: Interpreter): NodeJS.ProcessEnv {
  return {
    ...process.env,
    ...(checkout !== undefined && { GLIP_OFFICIAL_REPO: checkout }),
    PYTHONPATH: [join(root, "python"), scriptPath("lib")].join(delimiter),
    PYTHONDONTWRITEBYTECODE: "1",
    HF_HUB_OFFLINE: "1",
    TOKENIZERS_PARALLELISM: "false",
  };
}

/** Runs `name`, a path in scripts/bench/, to its end. */
export function runScript(interpreter: Interpreter, name: string, args: readonly string[]): void {
  const env = scriptEnvironment(interpreter);
  execFileSync(interpreter.python, [scriptPath(name), ...args], { env, stdio: "pipe" });
}

/** A script that prints JSON, one object a line. */
export class Script implements Disposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #errors = "";

  /** @param name its path in scripts/bench/ */
  constructor(interpreter: Interpreter, name: string, args: readonly string[]) {
    this.#child = spawn(interpreter.python, [scriptPath(name), ...args], { env: scriptEnvironment(interpreter) });
    this.#child.stderr.on("data", (bytes: Buffer) => (this.#errors = (this.#errors + bytes.toString()).slice(-4000)));
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid ?? Number.NaN;
  }

  /** The next object that it prints. */
  async read(): Promise<unknown> {
    const next = (await this.#lines.next()) as IteratorResult<string, undefined>;
    if (next.done === true)
      throw new Error(`${this.#child.spawnargs.join(" ")} printed nothing more:\n${this.#errors}`);
    return JSON.parse(next.value);
  }

  ask(line: string): Promise<unknown> {
    this.#child.stdin.write(`${line}\n`);
    return this.read();
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }
}
