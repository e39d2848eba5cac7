import { glipHome, requirementsDirectory } from "../home.ts";
import { checkOfficial, checkWeights } from "./assets.ts";
import type { Check } from "./check.ts";
import { checkDisk, checkNode, checkPython, checkSharedMemory, checkZeromq } from "./host.ts";
import { checkEnvironment } from "./python-environment.ts";

export interface DoctorOptions {
  /** The ready interpreter to look at. @default GLIP_PYTHON, then the managed environment */
  python?: string | undefined;
  /** @default GLIP_HOME, then the user's cache directory */
  home?: string | undefined;
  /** Groups that the environment should have. @default [] */
  groups?: string[] | undefined;
  /** The folder of the lock files. @default the one that this package ships */
  requirements?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** Looks at everything that the SDK stands on, changes nothing, and says for each thing what is found and what to do. */
export async function runDoctor(options: DoctorOptions = {}): Promise<Check[]> {
  const home = glipHome(options.home);
  const requirements = options.requirements ?? requirementsDirectory;
  const { python, groups, signal } = options;
  const [base, environment, zeromq] = await Promise.all([
    checkPython(undefined, signal),
    checkEnvironment({ python, groups, home, requirements, signal }),
    checkZeromq(signal),
  ]);
  const sharedMemory = checkSharedMemory();
  const space = [checkDisk(home), ...(sharedMemory ? [sharedMemory] : [])];
  return [checkNode(), base, ...environment, ...zeromq, ...space, checkOfficial(home), checkWeights(home)];
}
