import { rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { GlipError, messageOf } from "../../errors.ts";
import { readRun } from "../folder/record.ts";
import { reportPage } from "./page.ts";
import { drawSamples } from "./samples.ts";

/**
 * Writes what a run has done so far as one HTML page that needs nothing from elsewhere.
 * @param file where to; undefined: `report.html` in the run's folder
 * @returns the absolute path
 * @throws GlipError `file_error`
 */
export async function writeReport(folder: string, file: string | undefined): Promise<string> {
  const run = await readRun(folder);
  const path = file === undefined ? join(run.output, "report.html") : resolve(file);
  return writePage(path, reportPage(run, await drawSamples(run.events)));
}

/** A file that is there whole or not at all. @returns its path. @throws GlipError `file_error` */
export async function writePage(path: string, page: string): Promise<string> {
  try {
    await writeFile(`${path}.part`, page);
    await rename(`${path}.part`, path);
    return path;
  } catch (cause) {
    const reason = messageOf(cause);
    throw new GlipError("file_error", `Cannot write the report: ${reason}`, { path, reason }, { cause });
  }
}
