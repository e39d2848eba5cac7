import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

import { GlipError } from "../../errors.ts";
import { glipHome } from "../home.ts";
import { mismatch } from "./failures.ts";
import { readRecord } from "./record.ts";
import { shipped, shippedModel } from "./shipped.ts";
import { weightsDirectory } from "./target.ts";
import { zoo, zooEntry } from "./zoo.ts";

/**
 * The path of weights on this machine: a name of the zoo or of a shipped model, the file name of something pulled by its address, or a path.
 * Looks at names and sizes only. Throws `weights_missing`, with the command that gets them, and `weights_mismatch` when
 * a pulled file has not its size any more.
 */
export function resolveWeights(nameOrPath: string, options: { home?: string | undefined } = {}): string {
  const home = glipHome(options.home);
  const own = shippedModel(nameOrPath);
  if (own !== undefined) {
    if (existsSync(own.path)) return own.path;
    const text = `${own.path} is missing, which comes with glip-sdk. Install the package again.`;
    throw missing(nameOrPath, own.path, text);
  }
  const entry = zooEntry(nameOrPath);
  const record = readRecord(home, nameOrPath);
  if (entry === undefined && record === undefined) return ownFile(nameOrPath);
  const path = join(weightsDirectory(home), entry?.file ?? record?.file ?? "");
  if (!existsSync(path)) {
    const pull = `npx glip weights pull ${record && !entry ? record.origin : nameOrPath}`;
    const how = entry?.unavailable
      ? `They can be downloaded nowhere any more (${entry.unavailable}); if you have the file: \`${pull} --from FILE\`.`
      : `Run \`${pull}\`, or with the file at hand \`${pull} --from FILE\`.`;
    throw missing(nameOrPath, path, `The weights ${nameOrPath} are not in ${path}. ${how}`);
  }
  const { size } = statSync(path);
  if (record === undefined || record.size === size) return path;
  const facts = { field: "size", expected: String(record.size), received: String(size) } as const;
  throw mismatch(path, facts, `Run \`npx glip weights pull ${nameOrPath}\`.`);
}

function ownFile(given: string): string {
  const path = resolve(given);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isFile()) return path;
  const names = [...shipped, ...zoo].map(({ name }) => name).join(", ");
  const what = stats?.isDirectory() ? `${path} is a folder` : `there is no file ${path}`;
  throw missing(given, path, `No weights ${given}: ${what}, and it is no name of the zoo (${names}).`);
}

function missing(name: string, path: string, message: string): GlipError {
  return new GlipError("weights_missing", message, { name, path });
}
