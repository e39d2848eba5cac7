import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";

import { type CommandResult, runCommand } from "../../src/environment/command.ts";
import { requireBuild, temporaryFolder } from "../support/folders.ts";
import { giveFile, makeWeights, serveWeights } from "../support/weights-server.ts";

beforeAll(requireBuild);

const launcher = fileURLToPath(new URL("../../bin/glip.js", import.meta.url));

function glip(home: string, ...args: string[]): Promise<CommandResult> {
  // With a Python of the user's own, setup has only the code to see to.
  const env = {
    ...process.env,
    GLIP_HOME: home,
    GLIP_PYTHON: process.execPath,
    GLIP_OFFICIAL_REPO: "",
    GLIP_DEBUG: "",
  };
  return runCommand(process.execPath, [launcher, ...args], { env, timeoutMs: 20_000 });
}

const linesOf = ({ stdout }: CommandResult): Record<string, unknown>[] =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("setup --official DIR refuses what is no checkout, and names what is changed", async () => {
  const home = temporaryFolder();
  const directory = join(home, "mine");
  const absent = await glip(home, "setup", "--official", directory);
  expect(absent.exitCode).toBe(1);
  expect(absent.stderr).toContain(
    `glip: error [official_missing]: No microsoft/GLIP checkout: there is no folder ${directory}`,
  );
  mkdirSync(join(directory, "tools"), { recursive: true });
  writeFileSync(join(directory, "tools/train_net.py"), "print('mine')\n");
  const changed = await glip(home, "setup", "--official", directory);
  expect(changed.exitCode).toBe(1);
  expect(changed.stderr).toContain("[official_modified]");
  expect(changed.stderr).toContain("(changed: tools/train_net.py; missing: .gitignore, ");
  const allowed = await glip(home, "setup", "--official", directory, "--allow-modified", "--json");
  expect(allowed.exitCode).toBe(0);
  const { official } = linesOf(allowed).at(-1) as { official: { directory: string; modified: string[] } };
  expect(official.directory).toBe(directory);
  expect(official.modified).toHaveLength(288);
});

test("weights: pull, list, verify, remove", async () => {
  const { bytes, sha256 } = makeWeights();
  const server = await serveWeights((request, response) => giveFile(request, response, bytes));
  const home = temporaryFolder();
  const url = `${server.url}glip_tiny_model_o365_goldg_cc_sbu.pth`;
  const pulled = await glip(home, "weights", "pull", url);
  expect(pulled, pulled.stderr).toMatchObject({ exitCode: 0, stdout: "" });
  expect(pulled.stderr).toContain(`Recorded ${sha256}`);
  expect(pulled.stderr).toMatch(/^Ready: .*glip_tiny_model_o365_goldg_cc_sbu\.pth \(300 kB, sha256 /m);

  const list = await glip(home, "weights", "list");
  expect(list.stdout).toMatch(/^glip-t +present +300 kB +46\.6 +17\.6 +42\.7 +GLIP-T/m);
  expect(list.stdout).toMatch(/^glip-l-lvisbest +unavailable .*HTTP 409/m);

  const verified = await glip(home, "weights", "verify", "glip-t");
  expect(verified.stdout).toContain("as recorded when it came first");
  writeFileSync(join(home, "weights", "glip_tiny_model_o365_goldg_cc_sbu.pth"), bytes.reverse());
  const damaged = await glip(home, "weights", "verify", "glip-t");
  expect(damaged.exitCode).toBe(1);
  expect(damaged.stderr).toContain("glip: error [weights_mismatch]: ");

  expect((await glip(home, "weights", "remove", "glip-t")).stdout).toBe("Removed glip-t.\n");
});

test("weights pull --json: one object a line; --from; an error", async () => {
  const { bytes, sha256 } = makeWeights();
  const home = temporaryFolder();
  const from = join(home, "mine.pth");
  writeFileSync(from, bytes);
  const result = await glip(home, "weights", "pull", "glip-l-lvisbest", "--from", from, "--json");
  expect(result.exitCode, result.stderr).toBe(0);
  const lines = linesOf(result);
  expect(lines.at(-1)).toMatchObject({ result: { name: "glip-l-lvisbest", sha256, changed: true } });
  expect(lines.filter((line) => "progress" in line).length).toBeGreaterThan(0);
  const unknown = await glip(home, "weights", "pull", "glip-x");
  expect(unknown.exitCode).toBe(1);
  expect(unknown.stderr).toContain("glip: error [invalid_argument]: source: expected a name (glip-t-a");
});
