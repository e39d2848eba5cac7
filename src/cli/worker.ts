import { join } from "node:path";
import type { Command } from "commander";
import { glipHome, pythonSource } from "../environment/home.ts";
import { resolveEnvironment } from "../environment/resolve.ts";
import { sdkVersion } from "../environment/version.ts";
import { workerEnvironment } from "../worker/environment-variables.ts";
import { readWorkerKeys } from "../worker/keys.ts";
import { serve } from "../worker/serve.ts";

interface Flags {
  bind: string;
  keys?: string;
  device: string;
  plugin: string[];
  pythonPath: string[];
  threads?: number;
  home?: string;
  python?: string;
  json?: boolean;
}

const collect = (value: string, all: string[]): string[] => [...all, value];

export function addWorker(program: Command): void {
  program
    .command("worker")
    .description("run a worker that clients of other processes or hosts connect() to, until Ctrl-C")
    .requiredOption("--bind <address>", "tcp://HOST:PORT (with --keys) or ipc:///PATH")
    .option("--keys <file>", "the worker.json that `glip keys` made")
    .option("--device <name>", "auto, cpu, mps, cuda or cuda:N", "auto")
    .option("--plugin <module>", "a Python module that registers methods (repeatable)", collect, [])
    .option("--python-path <dir>", "where such modules lie (repeatable)", collect, [])
    .option("--threads <n>", "CPU threads for torch", Number)
    .option("--python <path>", "the ready Python, instead of GLIP_PYTHON or the managed environment")
    .option("--home <dir>", "where everything is kept, instead of GLIP_HOME or the user's cache directory")
    .option("--json", "say that it is ready as one JSON object")
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const home = glipHome(flags.home);
  const { python } = resolveEnvironment({ python: flags.python, home: flags.home });
  const server = await serve({
    bind: flags.bind,
    keys: flags.keys === undefined ? undefined : readWorkerKeys(flags.keys),
    command: [python, "-m", "glip_worker"],
    env: workerEnvironment({ pythonSource, bytecode: join(home, "bytecode") }),
    logDirectory: join(home, "logs"),
    onLogLine: ({ text }) => console.error(text),
    settings: {
      sdk: sdkVersion,
      device: flags.device,
      engine: "none",
      engine_options: {},
      plugins: flags.plugin,
      python_path: flags.pythonPath,
      threads: flags.threads ?? null,
    },
  });
  const { endpoint, ready } = server;
  console.log(
    flags.json
      ? JSON.stringify({ endpoint, ready })
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
