import type { Command } from "commander";
import { writeBenchmarkReport } from "../evaluation/report/write.ts";
import { isBenchmarkRun } from "../evaluation/run-folder.ts";
import { writeReport } from "../training/report/write.ts";

export function addReport(program: Command): void {
  program
    .command("report <run>")
    .description(
      "write one HTML page of a run: of a training what it has done so far (curves, metrics, pictures, configuration), of a benchmark its figures, curves and worst errors",
    )
    .option("--out <file>", "where to (default: report.html in the run's folder)")
    .action(async (run: string, { out }: { out?: string }) => {
      console.log(await (isBenchmarkRun(run) ? writeBenchmarkReport(run, out) : writeReport(run, out)));
    });
}
