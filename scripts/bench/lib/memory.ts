import { readFileSync } from "node:fs";

/** `VmRSS` and `VmHWM` (its peak) of a process in MB; NaN where there is no /proc. */
export function residentMegabytes(pid: number): { now: number; peak: number } {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const field = (name: string): number => (Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) * 1024) / 1e6;
    return { now: field("VmRSS"), peak: field("VmHWM") };
  } catch {
    return { now: Number.NaN, peak: Number.NaN };
  }
}
