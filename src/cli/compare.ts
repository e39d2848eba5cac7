import type { Command } from "commander";
import { compare } from "../evaluation/compare.ts";
import type { Comparison } from "../evaluation/comparison.ts";
import { table } from "./table.ts";

/** Columns for a model's name. */
const WIDEST = 50;

export function addCompare(program: Command): void {
  program
    .command("compare <run...>")
    .description("a benchmark's runs beside published figures of GLIP, GLIPv2 and their peers")
    .option("--markdown", "print a table for a README")
    .option("--json", "print JSON instead of text")
    .action(async (runs: string[], { markdown, json }: { markdown?: boolean; json?: boolean }) => {
      const compared = await compare(runs);
      if (json) console.log(JSON.stringify(compared));
      else console.log(markdown ? compared.markdown().trimEnd() : describe(compared));
    });
}

function describe(compared: Comparison): string {
  const sources = compared.sources.map(({ text, url }, place) => `[${place + 1}] ${text}: ${url}`);
  return [`${compared.benchmark}, parts of 100`, ...table(compared.cells(), WIDEST), ...sources].join("\n");
}
