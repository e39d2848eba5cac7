import { GlipError } from "../errors.ts";
import { lastLines } from "./command.ts";
import type { RunTool } from "./installer.ts";
import { lockEntries, type PackageLock } from "./locks.ts";

/** Package -> the module that must import for the environment to count as working. */
const MODULES: Record<string, string> = {
  torch: "torch",
  torchvision: "torchvision",
  numpy: "numpy",
  pyzmq: "zmq",
  msgspec: "msgspec",
  pillow: "PIL",
};

const SCRIPT = `
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
facts = {"torch": None, "cuda": None, "device": "cpu", "memory": None}
torch = sys.modules.get("torch")
if torch is not None:
    facts.update(torch=torch.__version__, cuda=torch.version.cuda)
    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info(0)
        facts.update(device=torch.cuda.get_device_name(0), memory=[free, total])
    elif torch.backends.mps.is_available():
        facts.update(device="mps")
print(json.dumps(facts))
`;

export interface EnvironmentFacts {
  /** `torch.__version__`, or null without torch. */
  torch: string | null;
  /** The CUDA version of the torch build, or null. */
  cuda: string | null;
  /** Name of the first CUDA device, `mps`, or `cpu`. */
  device: string;
  /** Free and total memory of the CUDA device, in bytes. */
  memory: [free: number, total: number] | null;
}

/**
 * Imports in `python` what the locks promise and says what torch sees. Throws `setup_failed` with Python's own words
 * when a module does not import.
 */
export async function probeEnvironment(python: string, locks: PackageLock[], run: RunTool): Promise<EnvironmentFacts> {
  const names = locks.flatMap((lock) => lockEntries(lock).map((entry) => entry.name));
  const modules = Object.entries(MODULES).flatMap(([name, module]) => (names.includes(name) ? [module] : []));
  const result = await run(python, ["-I", "-c", SCRIPT, ...modules]);
  if (result.exitCode !== 0) {
    const output = lastLines(result.stderr || result.stdout) || `Python ended with exit code ${result.exitCode}`;
    throw new GlipError("setup_failed", `The environment's packages do not import:\n${output}`, {
      step: "verify",
      output,
    });
  }
  // Printed by the script above, as the last line: imports may print lines of their own before it.
  return JSON.parse(lastLines(result.stdout, 1)) as EnvironmentFacts;
}
