import { join, resolve } from "node:path";
import { writePage } from "../../training/report/write.ts";
import { comparison } from "../compare.ts";
import { readBenchmarkRun } from "../run-folder.ts";
import { drawCases } from "./cases.ts";
import { benchmarkPage } from "./page.ts";

/**
 * Writes what a benchmark's run gave as one HTML page that needs nothing from elsewhere.
 * @param file where to; undefined: `report.html` in the run's folder
 * @returns the absolute path
 * @throws GlipError `file_error`
 */
export async function writeBenchmarkReport(folder: string, file: string | undefined): Promise<string> {
  const run = await readBenchmarkRun(folder);
  const beside = comparison([run]);
  const cases = await drawCases(run.details?.cases ?? []);
  const page = benchmarkPage({ run, comparison: beside.sources.length > 0 ? beside : undefined, cases });
  return writePage(file === undefined ? join(run.output, "report.html") : resolve(file), page);
}
