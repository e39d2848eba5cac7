import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { LaunchOptions } from "../../src/options.ts";
import { fixture, requireBuild } from "./folders.ts";

type Call = [method: string, params: Record<string, unknown>];

export interface ParentPlan {
  options: LaunchOptions;
  /** Made one after the other. @default [] */
  calls?: Call[];
  /** Made together and not waited for. @default [] */
  background?: Call[];
  /** What the program does in the end; "leave": nothing. */
  finish: "wait" | "close" | "exit" | "throw" | "leave";
}

/** A running `test/fixtures/parent.mjs`: a program of its own that launches a worker with the build of this SDK. */
export interface Parent {
  process: ChildProcess;
  pid: number;
  /** The next line that it prints. */
  line(): Promise<Record<string, unknown>>;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

export function startParent(plan: ParentPlan): Parent {
  requireBuild();
  const child = spawn(process.execPath, [fixture("parent.mjs"), JSON.stringify(plan)], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    process: child,
    pid: child.pid as number,
    async line() {
      const { value, done } = await lines.next();
      if (done === true) throw new Error("the program ended before it printed a line");
      return JSON.parse(value) as Record<string, unknown>;
    },
    ended: new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal }))),
  };
}
