import { type Command, Option } from "commander";
import { exportResults } from "../evaluation/export-results.ts";
import { type ResultFormat, resultFormats, type ResultPart } from "../evaluation/result-forms.ts";

interface Flags {
  format?: ResultFormat;
  part?: ResultPart;
  out?: string;
  json?: boolean;
}

const INTERRUPTED = 130;

export function addExport(program: Command): void {
  const format = new Option(
    "--format <format>",
    "COCO's and LVIS's results, ODinW's submission, or result files of VQA and captions (default: what the run's are)",
  );
  const part = new Option("--part <part>", "of COCO's and LVIS's results: boxes (default), masks, or both");
  program
    .command("export <run>")
    .description("write the predictions of a benchmark's run as other programs and servers read them")
    .addOption(format.choices(resultFormats))
    .addOption(part.choices(["bbox", "segmentation", "both"]))
    .option("--out <file>", "where to (default: results.FORMAT.json in the run's folder)")
    .option("--json", "print JSON instead of the file's name")
    .action((run: string, flags: Flags) => write(run, flags));
}

async function write(run: string, { format, part, out: file, json }: Flags): Promise<void> {
  const stop = new AbortController();
  const interrupt = (): void => stop.abort(new Error("interrupted"));
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  try {
    const exported = await exportResults(run, { format, part, file, signal: stop.signal });
    console.log(json ? JSON.stringify(exported) : exported.file);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    process.exitCode = INTERRUPTED;
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}
