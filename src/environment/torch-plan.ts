import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

import { GlipError } from "../errors.ts";
import { type LockEntry, lockEntries, type PackageLock } from "./locks.ts";

export const TORCH_CHOICES = ["auto", "cpu", "cuda", "mps"] as const;
export type TorchChoice = (typeof TORCH_CHOICES)[number];
export type TorchVariant = Exclude<TorchChoice, "auto">;

export interface TorchPlan {
  variant: TorchVariant;
  /** uv's `--torch-backend` when the build lies in one of PyTorch's own indexes; undefined for the locked build. */
  backend: "cpu" | "auto" | undefined;
}

/**
 * Which PyTorch to install. The locked builds of the default index are CUDA on Linux, CPU on Windows and CPU with MPS on
 * macOS; the others come from PyTorch's own indexes. Throws `unsupported` for what the platform cannot have.
 */
export function planTorch(choice: TorchChoice, platform: NodeJS.Platform = process.platform): TorchPlan {
  if (choice !== "auto" && !TORCH_CHOICES.includes(choice)) {
    const facts = { path: "options.torch", expected: `one of ${TORCH_CHOICES.join(", ")}`, received: String(choice) };
    throw new GlipError("invalid_argument", `${facts.path}: expected ${facts.expected}, got ${facts.received}`, facts);
  }
  const variant = choice === "auto" ? bestVariant(platform) : choice;
  if (variant === "cuda" && platform === "darwin") throw refused(variant, "macOS has no CUDA; choose mps or cpu");
  if (variant === "mps" && platform !== "darwin")
    throw refused(variant, "MPS exists on macOS only; choose cuda or cpu");
  const backend =
    platform === "linux" && variant === "cpu" ? "cpu" : platform === "win32" && variant === "cuda" ? "auto" : undefined;
  return { variant, backend };
}

function bestVariant(platform: NodeJS.Platform): TorchVariant {
  if (platform === "darwin") return "mps";
  return hasNvidiaDriver(platform) ? "cuda" : "cpu";
}

/** Whether the NVIDIA driver is installed: its folder in /proc, or its tool on PATH. Starts nothing. */
export function hasNvidiaDriver(platform: NodeJS.Platform = process.platform): boolean {
  const tool = platform === "win32" ? "nvidia-smi.exe" : "nvidia-smi";
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter(Boolean);
  return existsSync("/proc/driver/nvidia/version") || folders.some((folder) => existsSync(join(folder, tool)));
}

/**
 * Splits the torch lock for a build from another index: `build` are the requirements of that build, pinned to the locked
 * versions but without hashes, because the hashes in the lock are those of the default index; `rest` keeps the locked
 * text, hashes included. What only the locked CUDA build needs is in neither.
 */
export function splitTorchLock(lock: PackageLock): { build: string; rest: string } {
  const entries = lockEntries(lock);
  const isBuild = ({ name }: LockEntry): boolean => name === "torch" || name === "torchvision";
  const isCuda = ({ name }: LockEntry): boolean => /^(nvidia|cuda)-|^triton$/.test(name);
  const pin = ({ name, version, marker }: LockEntry): string => `${name}==${version}${marker ? ` ; ${marker}` : ""}`;
  return {
    build: entries.filter(isBuild).map(pin).join("\n"),
    rest: entries
      .filter((entry) => !isBuild(entry) && !isCuda(entry))
      .map((entry) => entry.text)
      .join("\n"),
  };
}

function refused(variant: TorchVariant, reason: string): GlipError {
  return new GlipError("unsupported", `torch ${variant}: ${reason}`, { feature: `torch ${variant}`, reason });
}
