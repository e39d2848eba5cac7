/** What the parts of the benchmark share. */
import { join } from "node:path";
import { runScript } from "../lib/script.ts";

export interface Setting {
  python: string;
  /** The official code. */
  checkout: string;
  /** For whatever has to lie in a file; removed at the end. */
  directory: string;
  /** How often everything is measured. */
  rounds: number;
}

/** What is looked for. */
export const categories = ["person", "cup", "dog", "red car", "traffic light"];

export function files({ directory }: Setting): { picture: string; weights: string } {
  return { picture: join(directory, "picture.png"), weights: join(directory, "random.pth") };
}

/** Writes them. */
export function prepareFiles(setting: Setting): void {
  const { picture, weights } = files(setting);
  runScript(setting, "lib/noise.py", ["800", "800", picture]);
  runScript(setting, "official/weights.py", [weights]);
}
