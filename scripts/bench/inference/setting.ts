/** What the parts of the benchmark share. */
import { join } from "node:path";
import { type Glip, launch } from "glip-sdk";
import { Detector } from "../lib/detector.ts";
import { type Interpreter, root, runScript } from "../lib/script.ts";

/** Without a checkout, there is no official side. */
export interface Setting extends Interpreter {
  /** For whatever has to lie in a file; removed at the end. */
  directory: string;
  /** The SDK's, of this benchmark alone. */
  home: string;
  /** How often everything is measured. */
  rounds: number;
}

/** What is looked for. */
export const categories = ["person", "cup", "dog", "red car", "traffic light"];

/** The model that ships, on a picture that comes with the repository. */
export const nano = {
  weights: join(root, "models", "glip-nano", "model.safetensors"),
  picture: join(root, "examples", "pictures", "pig.jpg"),
  categories: ["pig", "carrot", "backpack", "circle", "bicycle"],
};

export interface Files {
  /** Of GLIP-T, for both sides. */
  weights: string;
  /** Four of 800x1333, the size at which the network sees most pictures. */
  wide: string[];
  /** One of 800x800. */
  square: string;
}

export function files({ directory, checkout }: Setting): Files {
  return {
    weights: join(directory, checkout === undefined ? "random.safetensors" : "random.pth"),
    wide: [1, 2, 3, 4].map((number) => join(directory, `wide-${number}.png`)),
    square: join(directory, "square.png"),
  };
}

/** Writes them. */
export function prepareFiles(setting: Setting): void {
  const { weights, wide, square } = files(setting);
  runScript(setting, "lib/noise.py", ["1333", "800", ...wide]);
  runScript(setting, "lib/noise.py", ["800", "800", square]);
  runScript(setting, setting.checkout === undefined ? "inference/weights.py" : "official/weights.py", [weights]);
}

/** GLIP-T in a process of its own; every region counts, however little it scores. */
export function startNative(setting: Setting, args: readonly string[] = []): Promise<Detector> {
  const { weights } = files(setting);
  const all = [weights, "--categories", ...categories, "--threshold", "0", ...args];
  return Detector.start(setting, "inference/native.py", all);
}

/** The same by the official code, plain; undefined without it. */
export async function startOfficial(setting: Setting, args: readonly string[] = []): Promise<Detector | undefined> {
  if (setting.checkout === undefined) return undefined;
  const { weights } = files(setting);
  return Detector.start(setting, "official/direct.py", [weights, "--categories", ...categories, ...args]);
}

/** GLIP-T as a user of the SDK has it. */
export function launchGlipT(setting: Setting): Promise<Glip> {
  return launch({
    engine: "native",
    weights: files(setting).weights,
    settings: { "postprocess.threshold": 0 },
    interpreter: setting.python,
    home: setting.home,
    device: "cpu",
  });
}
