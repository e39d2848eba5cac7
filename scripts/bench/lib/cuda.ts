import { execFileSync } from "node:child_process";
import type { Interpreter } from "./script.ts";

/** Whether torch finds a GPU. */
export function hasCuda({ python }: Interpreter): boolean {
  const program = "import torch; print(torch.cuda.is_available())";
  return execFileSync(python, ["-c", program], { encoding: "utf8" }).trim() === "True";
}
