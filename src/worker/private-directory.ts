import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { processIdentity } from "../environment/process-identity.ts";

const memoryFileSystem = "/dev/shm";
const ownerFile = "owner";
/** A directory without an owner file is being made right now, unless it is older than this. */
const graceMs = 60_000;

/** A directory (0700) of this process alone, for a socket and shared memory. */
export interface PrivateDirectory {
  path: string;
  /** Its subdirectory for shared memory segments; undefined where files are not memory. */
  sharedMemory: string | undefined;
  /** Idempotent. */
  remove(): void;
}

/** Makes one, after removing those that a killed process of this user left behind. */
export function makePrivateDirectory(): PrivateDirectory {
  const base = baseDirectory();
  const prefix = `glip-${process.getuid?.() ?? "user"}-`;
  sweep(base, prefix);
  // mkdtemp makes it 0700.
  const path = fs.mkdtempSync(join(base, prefix));
  fs.writeFileSync(join(path, ownerFile), processIdentity(process.pid) ?? "");
  const sharedMemory = base === memoryFileSystem ? join(path, "memory") : undefined;
  if (sharedMemory !== undefined) fs.mkdirSync(sharedMemory, { mode: 0o700 });
  return { path, sharedMemory, remove: () => fs.rmSync(path, { recursive: true, force: true }) };
}

/** Short, since a socket's path may have about 100 characters; in memory, where there is such a file system. */
function baseDirectory(): string {
  const candidates = [process.platform === "linux" ? memoryFileSystem : undefined, process.env["XDG_RUNTIME_DIR"]];
  const usable = candidates.find((path) => path !== undefined && path.length < 60 && isWritable(path));
  return usable ?? (tmpdir().length < 60 || process.platform === "win32" ? tmpdir() : "/tmp");
}

function sweep(base: string, prefix: string): void {
  for (const name of fs.readdirSync(base)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(base, name);
    try {
      const stat = fs.lstatSync(path);
      if (!stat.isDirectory() || (process.getuid !== undefined && stat.uid !== process.getuid())) continue;
      const owner = ownerOf(path);
      const abandoned =
        owner === "" ? Date.now() - stat.mtimeMs > graceMs : processIdentity(Number.parseInt(owner, 10)) !== owner;
      if (abandoned) fs.rmSync(path, { recursive: true, force: true });
    } catch {
      // Somebody else swept it first.
    }
  }
}

function ownerOf(path: string): string {
  try {
    return fs.readFileSync(join(path, ownerFile), "utf8");
  } catch {
    return "";
  }
}

function isWritable(path: string): boolean {
  try {
    fs.accessSync(path, fs.constants.W_OK | fs.constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
