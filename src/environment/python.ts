import { GlipError, messageOf } from "../errors.ts";
import { throwIfCancelled } from "./cancelled.ts";
import { lastLines, runCommand } from "./command.ts";

const OLDEST_MINOR = 10;
const NEWEST_MINOR = 14;
/** A Python that does not answer within this time (a shop's stub, a broken shim) is passed over. */
const PROBE_TIMEOUT_MS = 20_000;
const REQUIRED = `CPython >= 3.${OLDEST_MINOR}, 64-bit`;

// Written so that Python 2 and early Python 3 run it too: they shall say their version, not a syntax error.
const PROBE = [
  "import json, struct, sys",
  "implementation = getattr(getattr(sys, 'implementation', None), 'name', 'cpython')",
  "facts = [sys.executable, list(sys.version_info[:3]), struct.calcsize('P') * 8, implementation]",
  "print(json.dumps(facts))",
].join("\n");

export interface PythonInfo {
  /** Absolute path of the interpreter, shims resolved. */
  executable: string;
  /** E.g. `3.12.4`. */
  version: string;
  /** E.g. `3.12`. */
  minor: string;
}

export interface FindPythonOptions {
  /** The only one to try. @default see `candidates` */
  python?: string | undefined;
  /** Tried before the usual names. */
  preferred?: string | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Finds a Python to make environments from, by running each candidate. Throws `python_not_found` whose details list
 * each candidate with what it said.
 */
export async function findPython(options: FindPythonOptions = {}): Promise<PythonInfo> {
  const tried: string[] = [];
  for (const [file, ...args] of candidates(options)) {
    const answer = await probe(file, args, options.signal);
    if (typeof answer !== "string") return answer;
    tried.push(`${[file, ...args].join(" ")}: ${answer}`);
  }
  const remedy = "Install Python 3.10 or later, or name one: `npx glip setup --python /path/to/python3`.";
  const message = `Found no Python that fits (${REQUIRED}). Tried:\n${tried.map((line) => `  ${line}`).join("\n")}\n${remedy}`;
  throw new GlipError("python_not_found", message, { tried, required: REQUIRED });
}

function candidates({ python, preferred }: FindPythonOptions): [string, ...string[]][] {
  if (python !== undefined) return [[python]];
  const versions = Array.from({ length: NEWEST_MINOR - OLDEST_MINOR + 1 }, (_, index) => `3.${NEWEST_MINOR - index}`);
  const first: [string][] = preferred === undefined ? [] : [[preferred]];
  if (process.platform === "win32")
    return [...first, ...versions.map((v): [string, string] => ["py", `-${v}`]), ["python"], ["python3"]];
  return [...first, ...versions.map((v): [string] => [`python${v}`]), ["python3"], ["python"]];
}

/** The facts, or why this one does not fit. */
async function probe(file: string, args: string[], signal: AbortSignal | undefined): Promise<PythonInfo | string> {
  let result;
  try {
    result = await runCommand(file, [...args, "-E", "-s", "-c", PROBE], { signal, timeoutMs: PROBE_TIMEOUT_MS });
  } catch (error) {
    throwIfCancelled(signal);
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? "not found" : messageOf(error);
  }
  if (result.exitCode !== 0) return lastLines(result.stderr, 1) || `ended with exit code ${result.exitCode}`;
  const facts = parseFacts(result.stdout);
  if (facts === undefined) return `is no Python: it printed ${JSON.stringify(lastLines(result.stdout, 1))}`;
  const [executable, [major, minor, patch], bits, implementation] = facts;
  const version = `${major}.${minor}.${patch}`;
  if (major !== 3 || minor < OLDEST_MINOR) return `is Python ${version}`;
  if (implementation !== "cpython") return `is ${implementation} ${version}, not CPython`;
  if (bits !== 64) return `is a ${bits}-bit Python ${version}`;
  return { executable, version, minor: `${major}.${minor}` };
}

type Facts = [executable: string, version: [number, number, number], bits: number, implementation: string];

function parseFacts(stdout: string): Facts | undefined {
  try {
    const facts: unknown = JSON.parse(lastLines(stdout, 1));
    // The probe is ours: when its answer is a list at all, it has this shape.
    return Array.isArray(facts) && facts.length === 4 ? (facts as Facts) : undefined;
  } catch {
    return undefined;
  }
}
