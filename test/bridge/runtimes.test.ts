import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { startRouter } from "../support/router.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const client = `${root}test/fixtures/echo-client.ts`;
const runtimes = [
  { name: "deno", file: `${root}node_modules/.bin/deno`, args: ["run", "-A", "--no-check", "--node-modules-dir=manual", client] },
  { name: "bun", file: `${root}node_modules/.bin/bun`, args: ["run", client] },
];
const run = promisify(execFile);

for (const { name, file, args } of runtimes) {
  const missing = existsSync(file) ? "" : ` (skipped: ${file} is not installed)`;

  describe.skipIf(missing !== "")(`zmtp in ${name}${missing}`, () => {
    it.each([
      ["ipc, NULL", { scheme: "ipc" }],
      ["tcp, CURVE", { scheme: "tcp", curve: true }],
    ] as const)("pings and echoes 10 MB over %s, and refuses the native add-on", { timeout: 40_000 }, async (_, options) => {
      const router = await startRouter(options);
      try {
        const target = JSON.stringify({ endpoint: router.endpoint, curve: router.curve });
        const { stdout } = await run(file, [...args, target], { cwd: root, timeout: 30_000 });
        const result = JSON.parse(stdout) as { pingUs: number; echoMs: number };
        expect(result).toMatchObject({ runtime: name, transport: "zmtp", refusal: "transport_unavailable" });
        // A runtime that polls instead of waiting for data would show here.
        expect(result.pingUs).toBeLessThan(5000);
      } finally {
        await router.stop();
      }
    });
  });
}
