/** What is compared: ways to call a Python process and to move bytes there and back. */
import { type ChildProcess, spawn } from "node:child_process";
import { scriptPath } from "../lib/script.ts";

export interface Subject {
  readonly name: string;
  /** The Python process. */
  readonly pid: number;
  /** The smallest call there is. */
  ping(): Promise<void>;
  /** Python has received these bytes and has looked at each page of them. */
  up(payload: Payload): Promise<void>;
  /** So many bytes, which Python had at hand, are in this process's memory. */
  down(bytes: number): Promise<void>;
  close(): Promise<void> | void;
}

export type Payload = Uint8Array<ArrayBuffer>;

/** Folder of the Python halves. */
export const fixtures = scriptPath("bridge");

/** Starts a Python fixture that says when it listens, and that ends with its stdin. */
export async function startPython(python: string, args: string[]): Promise<ChildProcess & { pid: number }> {
  const child = spawn(python, args, { stdio: ["pipe", "pipe", "inherit"] });
  await new Promise((resolve, reject) => {
    child.stdout.once("data", resolve);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${args[0]} ended with ${code} before it listened`)));
  });
  return child as typeof child & { pid: number };
}

/** Throws when a benchmark measured something else than it says. */
export function expect(actual: number | undefined, wanted: number, what: string): void {
  if (actual !== wanted) throw new Error(`${what}: expected ${wanted}, got ${actual}`);
}
