import type { Command } from "commander";
import { writeReport } from "../training/report/write.ts";

export function addReport(program: Command): void {
  program
    .command("report <run>")
    .description("write what a training has done so far as one HTML page: curves, metrics, pictures, configuration")
    .option("--out <file>", "where to (default: report.html in the run's folder)")
    .action(async (run: string, { out }: { out?: string }) => {
      console.log(await writeReport(run, out));
    });
}
