import { join } from "node:path";
import type { Command } from "commander";
import { glipHome, pythonSource } from "../environment/home.ts";
import { sdkVersion } from "../environment/version.ts";
import { resolveEngine } from "../engine.ts";
import { workerEnvironment } from "../worker/environment-variables.ts";
import { readWorkerKeys } from "../worker/keys.ts";
import { serve } from "../worker/serve.ts";
import { addModelFlags, type ModelFlags, modelOptionsOf } from "./model-flags.ts";

interface Flags extends ModelFlags {
  bind: string;
  keys?: string;
  plugin: string[];
  pythonPath: string[];
  json?: boolean;
}

const collect = (value: string, all: string[]): string[] => [...all, value];

export function addWorker(program: Command): void {
  const command = program
    .command("worker")
    .description("run a worker that clients of other processes or hosts connect() to, until Ctrl-C")
    .requiredOption("--bind <address>", "tcp://HOST:PORT (with --keys) or ipc:///PATH")
    .option("--keys <file>", "the worker.json that `glip keys` made");
  addModelFlags(command)
    .option("--plugin <module>", "a Python module that registers methods (repeatable)", collect, [])
    .option("--python-path <dir>", "where such modules lie (repeatable)", collect, [])
    .option("--json", "say that it is ready as one JSON object")
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const home = glipHome(flags.home);
  const engine = resolveEngine({ ...modelOptionsOf(flags), interpreter: flags.python, home: flags.home });
  const server = await serve({
    bind: flags.bind,
    keys: flags.keys === undefined ? undefined : readWorkerKeys(flags.keys),
    command: [engine.python, "-m", "glip_worker"],
    env: workerEnvironment({ pythonSource, bytecode: join(home, "bytecode") }),
    logDirectory: join(home, "logs"),
    onLogLine: ({ text }) => console.error(text),
    model: engine.model,
    settings: {
      sdk: sdkVersion,
      device: flags.device,
      engine: engine.name,
      engine_options: engine.options,
      plugins: flags.plugin,
      python_path: flags.pythonPath,
      threads: flags.threads ?? null,
    },
  });
  const { endpoint, ready, model: loaded } = server;
  console.log(
    flags.json
      ? JSON.stringify({ endpoint, ready, model: loaded })
      : `The worker is ready at ${endpoint} on ${ready.device.name} (pid ${ready.pid}). Ctrl-C ends it.`,
  );
  let asked = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      // The second time is for those who do not want to wait.
      void (asked ? server.kill() : server.close());
      asked = true;
    });
  }
  const end = await server.ended;
  if (!asked) throw end;
  await server.close();
}
