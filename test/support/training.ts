import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { coco } from "../../src/datasets/coco.ts";
import type { Glip } from "../../src/glip.ts";
import { launchFaulty, type Faulty } from "./faults.ts";
import { fixture, temporaryFolder } from "./folders.ts";

/** What the plugin test/fixtures/plugins/training.py was last given, and how many of its runs were ended early. */
export async function seenBy(glip: Glip): Promise<{ params: Record<string, unknown>; stopped: number }> {
  return (await glip.call("training.seen")) as { params: Record<string, unknown>; stopped: number };
}

/** A worker whose training methods are that plugin. */
export function launchPlayer(): Promise<Faulty> {
  return launchFaulty({ plugins: ["training"], pythonPath: [fixture("plugins")] });
}

/** A folder with what the SDK looks for before a run: annotations, pictures, a configuration, a checkpoint. */
export function runFolder() {
  const folder = temporaryFolder();
  const images = join(folder, "images");
  mkdirSync(images);
  const file = (name: string): string => {
    const path = join(folder, name);
    writeFileSync(path, "");
    return path;
  };
  const data = coco(file("annotations.json"), images);
  return { folder, file, data, config: file("model.yaml"), weights: file("model.pth"), output: join(folder, "run") };
}
