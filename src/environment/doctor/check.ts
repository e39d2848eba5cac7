/** What `glip doctor` found out about one thing. */
export interface Check {
  name: string;
  /** `warning`: works, with a restriction that `found` names. */
  status: "ok" | "warning" | "problem";
  /** Whether the SDK works at all without it. */
  needed: boolean;
  found: string;
  /** What to do about it; absent when it is ok. */
  fix?: string;
}

export function ok(name: string, needed: boolean, found: string): Check {
  return { name, status: "ok", needed, found };
}

export function problem(name: string, needed: boolean, found: string, fix: string): Check {
  return { name, status: needed ? "problem" : "warning", needed, found, fix };
}

/** E.g. `23.5 GB`; decimal, as disks and GPUs are sold. */
export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
