import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { z } from "zod";

import { environmentsDirectory, interpreterOf } from "./home.ts";

const schema = z.object({
  format: z.literal(1),
  /** Group -> sha256 of the lock that is installed. */
  groups: z.record(z.string(), z.string()),
  python: z.object({
    version: z.string(),
    /** The interpreter that the environment was made from. */
    base: z.string(),
  }),
  torch: z.object({
    /** What was asked for, `auto` resolved. */
    variant: z.enum(["cpu", "cuda", "mps"]),
    /** Where the build came from: the default package index, or a build index of PyTorch. */
    source: z.enum(["default", "build-index"]),
    /** As `torch.__version__` says; null when the lock holds no torch. */
    version: z.string().nullable(),
    /** The CUDA version that it was built for, or null. */
    cuda: z.string().nullable(),
  }),
  /** ISO time of the last `glip setup` that chose this environment: the latest one is used. */
  selectedAt: z.string(),
});

/** What an environment says about itself. The file is written last: an environment without one is not finished. */
export type Marker = z.infer<typeof schema>;

const FILE = "glip-environment.json";

/** The marker of the environment in `directory`; undefined when it is unfinished, unreadable or has lost its interpreter. */
export function readMarker(directory: string): Marker | undefined {
  if (!existsSync(interpreterOf(directory))) return undefined;
  try {
    return schema.parse(JSON.parse(readFileSync(join(directory, FILE), "utf8")));
  } catch {
    return undefined;
  }
}

/** Writes the marker in one step: a reader sees the old one or the new one, also after a crash. */
export function writeMarker(directory: string, marker: Marker): void {
  const draft = join(directory, `${FILE}.${process.pid}.tmp`);
  writeFileSync(draft, `${JSON.stringify(marker, undefined, 2)}\n`, { flush: true });
  renameSync(draft, join(directory, FILE));
}

export interface Environment {
  directory: string;
  marker: Marker;
}

/** The finished environments in `home`, the one chosen last first. */
export function listEnvironments(home: string): Environment[] {
  const parent = environmentsDirectory(home);
  const names = existsSync(parent) ? readdirSync(parent) : [];
  return names
    .flatMap((name) => {
      const directory = join(parent, name);
      const marker = readMarker(directory);
      return marker ? [{ directory, marker }] : [];
    })
    .sort((a, b) => b.marker.selectedAt.localeCompare(a.marker.selectedAt));
}
