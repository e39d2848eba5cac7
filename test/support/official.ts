import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as net from "node:net";
import { basename, dirname, join } from "node:path";
import { onTestFinished } from "vitest";

import { type OfficialManifest, readOfficialManifest } from "../../src/environment/official/manifest.ts";
import { root } from "./compile.ts";

export interface TinyOfficial {
  /** The working tree, which is a clone-able repository too. */
  directory: string;
  manifest: OfficialManifest;
}

/** A repository laid out like the official one, with its manifest; the pinned commit is not the last one. */
export function makeTinyOfficial(folder: string): TinyOfficial {
  const directory = join(folder, "tiny");
  const write = (path: string, content: string | Buffer): void => {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  };
  write("maskrcnn_benchmark/__init__.py", "# empty\n");
  write("maskrcnn_benchmark/engine/predict.py", "def predict():\n    return 1\n");
  write("tools/train_net.py", "print('train')\n");
  write("configs/a.yaml", "MODEL:\n  NAME: tiny\n");
  // Cannot be compressed: what the network carries is at least as long.
  write("docs/picture.bin", randomBytes(300_000));
  const git = (...args: string[]): string => runGit(directory, ...args);
  git("init", "--quiet", "--initial-branch", "main");
  git("add", ".");
  git("commit", "--quiet", "-m", "first");
  const file = join(folder, "manifest.json");
  execFileSync(process.execPath, [join(root, "scripts", "official-manifest.mjs"), directory, file]);
  write("README.md", "later\n");
  git("add", ".");
  git("commit", "--quiet", "-m", "second");
  return { directory, manifest: readOfficialManifest(file) };
}

/** A checkout of the pinned commit, in `folder`. */
export function checkoutOf({ directory, manifest }: TinyOfficial, folder: string): string {
  runGit(directory, "clone", "--quiet", "--no-checkout", directory, folder);
  runGit(folder, "checkout", "--quiet", "--detach", manifest.commit);
  rmSync(join(folder, ".git"), { recursive: true });
  return folder;
}

function runGit(cwd: string, ...args: string[]): string {
  const settings = ["user.name=test", "user.email=test@example.org", "core.autocrlf=false", "gc.auto=0"];
  return execFileSync("git", [...settings.flatMap((setting) => ["-c", setting]), ...args], { cwd, encoding: "utf8" });
}

export interface GitServer {
  url: string;
  /** Connections so far. */
  readonly connections: number;
  /** Resolves when `after` bytes went out to some client. */
  reached: Promise<void>;
}

/** Serves a repository as `git://` on this machine; after `after` bytes to one client it goes on, hangs up, or stalls. */
export async function serveGit(
  directory: string,
  { after = Infinity, end = "cut" }: { after?: number; end?: "cut" | "stall" } = {},
): Promise<GitServer> {
  let connections = 0;
  let reach = (): void => {};
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const server = net.createServer((socket) => {
    connections += 1;
    let sent = 0;
    const daemon = spawn("git", ["daemon", "--inetd", "--export-all", `--base-path=${dirname(directory)}`]);
    socket.on("error", () => {}).on("close", () => daemon.kill());
    daemon.stdin.on("error", () => {});
    socket.pipe(daemon.stdin);
    daemon.stdout.on("data", (bytes: Buffer) => {
      const room = after - sent;
      sent += bytes.length;
      if (room > 0) socket.write(bytes.subarray(0, Math.min(room, bytes.length)));
      if (sent < after) return;
      reach();
      if (end === "cut") socket.end(() => socket.destroy());
    });
    daemon.on("close", () => {
      if (sent < after) socket.end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const sockets = new Set<net.Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as net.AddressInfo;
  return {
    url: `git://127.0.0.1:${port}/${basename(directory)}`,
    get connections() {
      return connections;
    },
    reached,
  };
}
