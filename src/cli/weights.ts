import type { Command } from "commander";

import { listWeights, type ListedWeights, removeWeights, verifyWeights } from "../environment/weights/manage.ts";
import type { PullProgress } from "../environment/weights/meter.ts";
import { pullWeights } from "../environment/weights/pull.ts";

/** For logs and pipes: so often a line. */
const PLAIN_INTERVAL_MS = 10_000;

interface Flags {
  from?: string;
  link?: boolean;
  home?: string;
  json?: boolean;
}

export function addWeights(program: Command): void {
  const weights = program.command("weights").description("download, check and remove the official weights");
  const command = (usage: string, description: string): Command =>
    weights
      .command(usage)
      .description(description)
      .option("--home <dir>", "where everything is kept, instead of GLIP_HOME or the user's cache directory")
      .option("--json", "print JSON instead of text");
  command("list", "what there is, and what is here").action(list);
  command("pull <name>", "download weights by their name or address; continues where an earlier attempt stopped")
    .option("--from <file>", "take this file instead of downloading; it is checked in the same way")
    .option("--link", "with --from: refer to the file instead of copying it")
    .action(pull);
  command("verify <name>", "read weights through and compare their sha256").action(verify);
  command("remove <name>", "remove weights, and what was recorded of them").action(remove);
}

function list({ home, json }: Flags): void {
  const all = listWeights({ home });
  if (json) return console.log(JSON.stringify(all, undefined, 2));
  const rows = [["name", "state", "size", "COCO", "LVIS APr", "ODinW13", "what it is"], ...all.map(row)];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0))) ?? [];
  for (const cells of rows)
    console.log(
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  console.log(
    "\nAverage precision, zero-shot, as published. GLIP's code and weights stand under the licences of their owners.",
  );
}

function row({ name, entry, state, size, record }: ListedWeights): string[] {
  const figures = entry?.figures;
  const cells = [figures?.cocoZeroShot, figures?.lvisMinivalRare ?? figures?.lvisMinivalRareBest, figures?.odinw13];
  const remark = entry?.unavailable ?? entry?.note;
  const what = entry ? `${entry.title}${remark ? ` (${remark})` : ""}` : (record?.origin ?? "");
  return [name, state, size > 0 ? bytes(size) : "", ...cells.map((cell) => cell?.toFixed(1) ?? ""), what];
}

async function pull(name: string, { from, link, home, json }: Flags): Promise<void> {
  const say = (message: string): void => (json ? console.log(JSON.stringify({ message })) : console.error(message));
  const line = progressLine(json);
  const onMessage = (message: string): void => {
    line.clear();
    say(message);
  };
  const result = await pullWeights(name, { from, link, home, onProgress: line.show, onMessage }).finally(line.clear);
  if (json) console.log(JSON.stringify({ result }));
  else
    say(
      `${result.changed ? "Ready" : "Already here"}: ${result.path} (${bytes(result.size)}, sha256 ${result.sha256})`,
    );
}

async function verify(name: string, { home, json }: Flags): Promise<void> {
  const line = progressLine(json);
  const result = await verifyWeights(name, { home, onProgress: line.show }).finally(line.clear);
  if (json) return console.log(JSON.stringify({ result }));
  const against = {
    zoo: "as published",
    host: "as the host announced it",
    "first-use": "as recorded when it came first",
  };
  const outcome = result.comparedWith === null ? "nothing to compare it with" : against[result.comparedWith];
  console.log(`${result.path}: ${bytes(result.size)}, sha256 ${result.sha256}: ${outcome}`);
}

async function remove(name: string, { home, json }: Flags): Promise<void> {
  const removed = await removeWeights(name, { home });
  if (json) return console.log(JSON.stringify({ removed }));
  console.log(removed ? `Removed ${name}.` : `${name} was not here.`);
}

/** One live line on a terminal, a line now and then in a log, all events as JSON. */
function progressLine(json: boolean | undefined): { show: (progress: PullProgress) => void; clear: () => void } {
  if (json) return { show: (progress) => console.log(JSON.stringify({ progress })), clear: () => {} };
  const { stderr } = process;
  if (stderr.isTTY)
    return {
      show: (progress) => stderr.write(`\r\u001b[2K${describe(progress).slice(0, (stderr.columns ?? 80) - 1)}`),
      clear: () => stderr.write("\r\u001b[2K"),
    };
  let last = performance.now();
  const show = (progress: PullProgress): void => {
    if (performance.now() - last < PLAIN_INTERVAL_MS) return;
    last = performance.now();
    console.error(describe(progress));
  };
  return { show, clear: () => {} };
}

const VERBS = { download: "Downloading", copy: "Copying", verify: "Verifying" };

function describe({ phase, bytes: done, total, rate, eta }: PullProgress): string {
  const share = total === undefined ? "" : ` of ${bytes(total)} (${Math.floor((100 * done) / Math.max(1, total))} %)`;
  const left = eta === undefined ? "" : `, ${Math.ceil(eta)} s left`;
  return `${VERBS[phase]}: ${bytes(done)}${share}, ${bytes(rate)}/s${left}`;
}

function bytes(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(2)} GB`;
  return count >= 1e6 ? `${(count / 1e6).toFixed(1)} MB` : `${Math.round(count / 1e3)} kB`;
}
