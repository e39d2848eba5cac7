import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { glipHome, pythonSource } from "../environment/home.ts";
import { sdkVersion } from "../environment/version.ts";
import { resolveEngine } from "../engine.ts";
import { type ModelOptions, modelOptionsSchema } from "../model-options.ts";
import { checkArgument } from "../protocol/validate.ts";
import { workerEnvironment } from "../worker/environment-variables.ts";
import { readWorkerKeys } from "../worker/keys.ts";
import { serve } from "../worker/serve.ts";

interface Flags extends Omit<ModelOptions, "accelerate" | "settings"> {
  /** True without names. */
  accelerate?: true | string[];
  set: Record<string, unknown>;
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

/** `KEY=VALUE`, the value as JSON, else as text. */
function setting(given: string, all: Record<string, unknown>): Record<string, unknown> {
  const at = given.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("expected KEY=VALUE");
  const value = given.slice(at + 1);
  try {
    return { ...all, [given.slice(0, at)]: JSON.parse(value) as unknown };
  } catch {
    return { ...all, [given.slice(0, at)]: value };
  }
}

export function addWorker(program: Command): void {
  program
    .command("worker")
    .description("run a worker that clients of other processes or hosts connect() to, until Ctrl-C")
    .requiredOption("--bind <address>", "tcp://HOST:PORT (with --keys) or ipc:///PATH")
    .option("--keys <file>", "the worker.json that `glip keys` made")
    .option("--engine <name>", "official or none (default: official with --model)")
    .option("--model <name>", "a model of the zoo: its configuration and weights (`glip weights list`)")
    .option("--config <yaml>", "a configuration, yours or the checkout's, instead of the model's")
    .option("--weights <weights>", "a checkpoint, a name of the zoo or `random`, instead of the model's")
    .option("--set <key=value>", "another value for a key of the configuration (repeatable)", setting, {})
    .option("--accelerate [names...]", "compute sooner with the same results: all ways, or some")
    .option("--text-encoder <dir>", "the text encoder's vocabulary")
    .option("--official <dir>", "the official checkout")
    .option("--allow-modified", "accept a checkout that is not the pinned commit")
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
  const { engine: name, model, config, weights, textEncoder, official, allowModified, accelerate } = flags;
  const settings = Object.keys(flags.set).length > 0 ? flags.set : undefined;
  const given = { engine: name, model, config, weights, textEncoder, official, allowModified, accelerate, settings };
  const checked = checkArgument(modelOptionsSchema, given, "options");
  const engine = resolveEngine({ ...checked, interpreter: flags.python, home: flags.home });
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
