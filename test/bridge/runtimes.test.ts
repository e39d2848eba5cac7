import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { compile, root } from "../support/compile.ts";
import { startRouter } from "../support/router.ts";

const run = promisify(execFile);
const client = "test/fixtures/echo-client.ts";
const links = [
  ["ipc, NULL", { scheme: "ipc" }],
  ["tcp, CURVE", { scheme: "tcp", curve: true }],
] as const;

/** Runs the client to its end, which it must come to by itself. */
async function measure(
  command: string[],
  options: (typeof links)[number][1],
  choice: string,
): Promise<{ pingUs: number }> {
  const router = await startRouter(options);
  try {
    const [file = "", ...args] = command;
    const target = JSON.stringify({ endpoint: router.endpoint, curve: router.curve });
    const { stdout } = await run(file, [...args, target, choice], { cwd: root, timeout: 30_000 });
    return JSON.parse(stdout) as { pingUs: number };
  } finally {
    await router.stop();
  }
}

describe.each([
  { runtime: "deno", args: ["run", "-A", "--no-check", "--node-modules-dir=manual"] },
  { runtime: "bun", args: ["run"] },
])("$runtime", ({ runtime, args }) => {
  const file = join(root, "node_modules", ".bin", runtime);

  it.for(links)(
    "pings and echoes 10 MB over %s, ends, and refuses the native add-on",
    { timeout: 40_000 },
    async ([, link], context) => {
      if (!existsSync(file)) context.skip(`${file} is missing: npm ci installs it`);
      const result = await measure([file, ...args, client], link, "auto");
      expect(result).toMatchObject({ runtime, transport: "zmtp", refusal: "transport_unavailable" });
      // A runtime that polls instead of waiting for data would show here.
      expect(result.pingUs).toBeLessThan(5000);
    },
  );
});

describe("node", () => {
  let compiled: string;
  beforeAll(async () => {
    compiled = await compile(client);
  }, 90_000);

  it.each(links.flatMap(([name, link]) => ["zeromq", "zmtp"].map((choice) => [choice, name, link] as const)))(
    "pings and echoes 10 MB with %s over %s, and ends",
    { timeout: 40_000 },
    async (transport, _, link) => {
      const result = await measure([process.execPath, compiled], link, transport);
      expect(result).toMatchObject({ runtime: "node", transport, refusal: "connection_refused" });
      expect(result.pingUs).toBeLessThan(5000);
    },
  );
});
