import { spawnSync } from "node:child_process";

/** A browser that runs without a screen; undefined where this machine has none. GLIP_CHROMIUM names one of yours. */
export const chromium = [process.env["GLIP_CHROMIUM"], "chromium", "chromium-browser", "google-chrome"].find(
  (name) => name !== undefined && spawnSync(name, ["--version"]).status === 0,
);

/** A page's document once its scripts have run. */
export function rendered(file: string): string {
  const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--dump-dom"];
  return spawnSync(chromium as string, [...flags, `file://${file}`], { encoding: "utf8", timeout: 50_000 }).stdout;
}
