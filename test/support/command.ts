import { Command } from "commander";
import { vi } from "vitest";
import { messageOf } from "../../src/errors.ts";

/**
 * A subcommand in this process, which costs no start: what it printed on stdout, and what it said is wrong; undefined when
 * nothing is.
 */
export async function command(
  add: (program: Command) => unknown,
  args: readonly string[],
): Promise<{ stdout: string; error: string | undefined }> {
  const program = new Command("glip").exitOverride().configureOutput({ writeErr: () => {} });
  add(program);
  let stdout = "";
  const log = vi.spyOn(console, "log").mockImplementation((text: unknown) => void (stdout += `${String(text)}\n`));
  try {
    await program.parseAsync(args, { from: "user" });
    return { stdout, error: undefined };
  } catch (error) {
    return { stdout, error: messageOf(error) };
  } finally {
    log.mockRestore();
  }
}
