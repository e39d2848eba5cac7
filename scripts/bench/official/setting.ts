/** What the parts of the benchmark share. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface Setting {
  python: string;
  /** The official code. */
  checkout: string;
  /** For whatever has to lie in a file; removed at the end. */
  directory: string;
  /** How often everything is measured. */
  rounds: number;
}

/** Scripts run compiled, elsewhere; package.json is linked there. */
const root = dirname(realpathSync(fileURLToPath(new URL("../../../package.json", import.meta.url))));
const pythonSource = join(root, "python");

/** What the accelerations' part writes and the detection's part reads. */
export function files({ directory }: Setting): { picture: string; weights: string } {
  return { picture: join(directory, "picture.png"), weights: join(directory, "random.pth") };
}

/** What the official code needs to be found, and to stay off the network. */
export function scriptEnvironment({ checkout }: Setting): NodeJS.ProcessEnv {
  return {
    ...process.env,
    GLIP_OFFICIAL_REPO: checkout,
    PYTHONPATH: pythonSource,
    PYTHONDONTWRITEBYTECODE: "1",
    HF_HUB_OFFLINE: "1",
    TOKENIZERS_PARALLELISM: "false",
  };
}

/** A Python script of this folder. */
export function scriptPath(name: string): string {
  return join(root, "scripts", "bench", "official", name);
}

/** A Python script of this folder that prints JSON, one object a line. */
export class Script implements Disposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #errors = "";

  constructor(setting: Setting, name: string, args: readonly string[]) {
    this.#child = spawn(setting.python, [scriptPath(name), ...args], { env: scriptEnvironment(setting) });
    this.#child.stderr.on("data", (bytes: Buffer) => (this.#errors = (this.#errors + bytes.toString()).slice(-4000)));
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** The next object that it prints. */
  async read(): Promise<unknown> {
    const next = (await this.#lines.next()) as IteratorResult<string, undefined>;
    if (next.done === true) throw new Error(`${this.#child.spawnfile} printed nothing more:\n${this.#errors}`);
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
