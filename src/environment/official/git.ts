import { cancelled } from "../cancelled.ts";
import { type CommandResult, lastLines, runCommand } from "../command.ts";
import { GlipError, isGlipError, type OfficialFetchFailure } from "../../errors.ts";
import { isDiskFull, diskFull } from "../disk.ts";

/** Variables that would point git at another repository than the one it is told. */
const REMOVED = /^GIT_(DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|NAMESPACE|COMMON_DIR)$/;

/** The user's settings hold (proxy, certificates, `insteadOf`), except for those that change files or run programs. */
const SETTINGS = [
  "core.autocrlf=false",
  "core.hooksPath=/dev/null",
  "advice.detachedHead=false",
  "gc.auto=0",
  "maintenance.auto=false",
].flatMap((setting) => ["-c", setting]);

export interface GitOptions {
  directory: string;
  repository: string;
  commit: string;
  signal?: AbortSignal | undefined;
  /** Gives up when git says nothing for this long. */
  silenceMs: number;
  onSpawn?: ((pid: number) => void) | undefined;
  /** Hears git's progress, a line at a time. */
  onLine?: ((line: string) => void) | undefined;
}

/**
 * Runs git in `directory`; whatever its exit code the promise resolves. Throws `official_fetch_failed` when there is no
 * git or it falls silent, and `cancelled`.
 */
export async function git(args: string[], options: GitOptions): Promise<CommandResult> {
  const silence = new AbortController();
  const watch = setTimeout(() => silence.abort(), options.silenceMs);
  const signals = [silence.signal, ...(options.signal ? [options.signal] : [])];
  try {
    return await runCommand("git", [...SETTINGS, ...args], {
      cwd: options.directory,
      env: gitEnvironment(),
      signal: AbortSignal.any(signals),
      onSpawn: options.onSpawn,
      onStderr: (text) => {
        watch.refresh();
        for (const line of text.split(/[\r\n]/)) if (line.trim() !== "") options.onLine?.(line.trim());
      },
    });
  } catch (error) {
    if (options.signal?.aborted) throw cancelled(options.signal);
    if (silence.signal.aborted)
      throw fetchFailed(options, "unreachable", `git said nothing for ${options.silenceMs / 1000} s`);
    if (isGlipError(error) || (error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw fetchFailed(options, "git_missing", "git is not on PATH");
  } finally {
    clearTimeout(watch);
  }
}

/** The same; throws `official_fetch_failed` or `disk_full` when git fails. */
export async function mustGit(args: string[], options: GitOptions): Promise<CommandResult> {
  const result = await git(args, options);
  if (result.exitCode !== 0) throw failureOf(result, options);
  return result;
}

/** The error for a git that failed, told apart by its words (in English, because we ask for that). */
export function failureOf({ stderr }: CommandResult, options: GitOptions): GlipError {
  const output = lastLines(stderr.replaceAll("\r", "\n"), 5);
  if (isDiskFull(output)) return diskFull(options.directory);
  const unreachable =
    /unable to access|could not read from remote|early EOF|unexpected disconnect|hung up|RPC failed|connection|unable to connect|resolve host|does not appear to be a git repository|not found|timed out|could not read Username/i;
  return fetchFailed(options, unreachable.test(output) ? "unreachable" : "failed", output);
}

/** The error with the remedy that fits `reason`. */
export function fetchFailed(
  { repository, commit }: Pick<GitOptions, "repository" | "commit">,
  reason: OfficialFetchFailure,
  output: string,
): GlipError<"official_fetch_failed"> {
  const elsewhere =
    "or clone it elsewhere, check out that commit, and name the folder: `npx glip setup --official DIR`";
  const text: Record<OfficialFetchFailure, string> = {
    git_missing: `git is needed to fetch ${repository}, but it is not on PATH. Install git and run \`npx glip setup --official\` again, ${elsewhere}.`,
    unreachable: `${repository} cannot be reached, or the connection broke. Without it only the official engine is missing. Run \`npx glip setup --official\` again, ${elsewhere}.`,
    commit_missing: `${repository} has no commit ${commit}. Name the repository that has it, ${elsewhere}.`,
    failed: `git could not fetch ${repository}. Run \`npx glip setup --official\` again when this is mended, ${elsewhere}.`,
  };
  const message = output === "" ? text[reason] : `${text[reason]}\n${output}`;
  return new GlipError("official_fetch_failed", message, { repository, commit, reason, output });
}

function gitEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !REMOVED.test(name));
  return { ...Object.fromEntries(kept), LC_ALL: "C", LANGUAGE: "C", GIT_TERMINAL_PROMPT: "0" };
}
