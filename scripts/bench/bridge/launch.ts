import { spawnSync } from "node:child_process";
import { launch } from "glip-sdk";

/** Milliseconds of `python -c "import torch"` and of launch() until it is ready, taken in turns with warm caches. */
export async function measureLaunch(
  python: string,
  home: string,
  rounds: number,
): Promise<{ imports: number[]; launches: number[] }> {
  // The worker's bytecode goes to a folder of the SDK: torch's would be compiled again where only one side has it.
  const env = { ...process.env, PYTHONPYCACHEPREFIX: `${home}/bytecode` };
  const importTorch = (): void => {
    const { status } = spawnSync(python, ["-c", "import torch"], { env, stdio: "inherit" });
    if (status !== 0) throw new Error(`${python} -c "import torch" ended with ${status}`);
  };
  const launchOnce = async (): Promise<number> => {
    const started = performance.now();
    await using glip = await launch({ engine: "none", interpreter: python, home, device: "cpu" });
    return glip.info.pid > 0 ? performance.now() - started : Number.NaN;
  };
  importTorch();
  await launchOnce();
  const imports: number[] = [];
  const launches: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    importTorch();
    imports.push(performance.now() - started);
    launches.push(await launchOnce());
  }
  return { imports, launches };
}
