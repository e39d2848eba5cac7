import { spawnSync } from "node:child_process";
import { type Glip, launch, type LaunchOptions } from "glip-sdk";

/**
 * Milliseconds of `python -c "import torch"` and of launch() until `first` has what it wants of it, taken in turns with
 * warm caches.
 */
export async function measureLaunch(
  options: LaunchOptions & { interpreter: string; home: string },
  rounds: number,
  first: (glip: Glip) => Promise<unknown>,
): Promise<{ imports: number[]; launches: number[] }> {
  // The worker's bytecode goes to a folder of the SDK: torch's would be compiled again where only one side has it.
  const env = { ...process.env, PYTHONPYCACHEPREFIX: `${options.home}/bytecode` };
  const importTorch = (): void => {
    const { status } = spawnSync(options.interpreter, ["-c", "import torch"], { env, stdio: "inherit" });
    if (status !== 0) throw new Error(`${options.interpreter} -c "import torch" ended with ${status}`);
  };
  const launchOnce = async (): Promise<number> => {
    const started = performance.now();
    await using glip = await launch(options);
    await first(glip);
    return performance.now() - started;
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
