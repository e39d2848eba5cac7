// Writes python/requirements/*.txt from the *.in files beside them:
//
//   node scripts/lock-python.mjs [--upgrade] [--uv PATH]
//
// All groups are resolved together first, so that they agree with each other, and each is then written as a layer:
// `official` and `dev` hold only what `base` and `torch` do not, and are installed on top of them without their
// dependencies. The pins in place are kept unless --upgrade is given. `uv` is the tool that `glip setup` fetches.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({ options: { upgrade: { type: "boolean" }, uv: { type: "string" } } });
const requirements = fileURLToPath(new URL("../python/requirements/", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "glip-lock-"));

/** Compiles for every platform and every Python since 3.10; returns the lock's text. `known` holds pins to keep. */
function compile(inputs, known, ...flags) {
  const output = join(scratch, "output.txt");
  writeFileSync(output, options.upgrade ? "" : known);
  execFileSync(
    options.uv ?? "uv",
    [
      "pip",
      "compile",
      "--quiet",
      "--universal",
      "--python-version",
      "3.10",
      "--generate-hashes",
      "--no-annotate",
    ].concat(
      ["--no-header", "--no-config", "--output-file", output, ...flags],
      inputs.map((name) => join(requirements, `${name}.in`)),
    ),
    { stdio: "inherit" },
  );
  return readFileSync(output, "utf8");
}

/** The lock's entries: one requirement with the hashes that continue it. */
const entriesOf = (text) => text.split(/\n(?=\S)/).filter((entry) => /^[a-z0-9]/i.test(entry));
const nameOf = (entry) => /^[^=[\s;]+/.exec(entry)[0];

function current(name) {
  const path = join(requirements, `${name}.txt`);
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

function write(name, entries) {
  const header = `# Written by scripts/lock-python.mjs from ${name}.in: change that file, not this one.\n`;
  writeFileSync(join(requirements, `${name}.txt`), `${header}${entries.map((entry) => entry.trimEnd()).join("\n")}\n`);
  console.log(`${name}.txt: ${new Set(entries.map(nameOf)).size} packages`);
}

try {
  const groups = ["base", "torch", "official", "dev"];
  const together = compile(groups, groups.map(current).join("\n"));
  const constraints = join(scratch, "constraints.txt");
  writeFileSync(constraints, together);
  const below = new Set();
  for (const group of groups) {
    const entries = entriesOf(compile([group], together, "--constraints", constraints));
    const isLayer = group === "official" || group === "dev";
    write(group, isLayer ? entries.filter((entry) => !below.has(nameOf(entry))) : entries);
    if (!isLayer) for (const entry of entries) below.add(nameOf(entry));
  }
  write("uv", entriesOf(compile(["uv"], current("uv"))));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
