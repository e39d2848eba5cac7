import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeReport } from "../../../src/training/report/write.ts";
import { chromium, rendered } from "../../support/browser.ts";
import { failure } from "../../support/faults.ts";
import { fixture, temporaryFolder } from "../../support/folders.ts";
import { finishedRun } from "../../support/runs.ts";

const picture = fixture("../../examples/pictures/pig.jpg");
const page = async (output: string): Promise<string> => readFileSync(await writeReport(output, undefined), "utf8");

describe("a report", () => {
  it("has the state, curves, metrics, pictures and configuration, and needs nothing from elsewhere", async () => {
    const output = await finishedRun({ steps: 20, picture });
    expect(await writeReport(output, undefined)).toBe(join(output, "report.html"));
    const html = await page(output);
    expect(html).toContain('<span class="state completed">completed</span>');
    expect([...html.matchAll(/<figcaption><b>([^<]*)<\/b><output>/g)].map(([, name]) => name)).toEqual([
      "total",
      "tokens",
      "boxes",
      "AP",
      "AP50",
      "learning rate",
      "pictures per second",
    ]);
    expect(html).toContain('<td>20</td><td class="best">0.346</td><td class="best">0.519</td><td>–</td>');
    expect(html).toMatch(
      /<img src="data:image\/jpeg;base64,[\w+/=]{1000,}" alt="red circle 0.91, &#60;star&#62; 0.42"/,
    );
    expect(html).toContain("<td>batch_size</td><td>8</td>");
    expect(html).toContain("<td>torch</td><td>2.9.0</td>");
    expect(html).toContain("2 boxes outside of their pictures were left out");
    const without = html.replaceAll(/data:image\/jpeg;base64,[\w+/=]*/g, "");
    expect(without).not.toMatch(/(src|href)="(?!")|url\(|@import|https?:/);
  });

  it("has the figures of answers and captions; what is always the same is not the best", async () => {
    const output = await finishedRun({ steps: 20 });
    const file = join(output, "events.jsonl");
    let accuracy = 0;
    const lines = readFileSync(file, "utf8").split("\n");
    const said = lines.map((line) => {
      if (!line.includes('"type":"evaluation"')) return line;
      accuracy += 0.125;
      const metrics = { accuracy, majority: 0.5, "types.count.accuracy": accuracy / 2, CIDEr: 2.5 };
      return JSON.stringify({ ...(JSON.parse(line) as object), metrics });
    });
    writeFileSync(file, said.join("\n"));
    const html = await page(output);
    expect(html).toContain("<th>accuracy</th><th>majority</th><th>types.count.accuracy</th><th>CIDEr</th>");
    const [best, half] = [accuracy.toFixed(3), (accuracy / 2).toFixed(3)];
    expect(html).toContain(`<td class="best">${best}</td><td>0.500</td><td class="best">${half}</td><td>2.500</td>`);
  });

  it("is well-formed: what opens is closed, and what the run says is text", async () => {
    const output = await finishedRun({ steps: 6, picture: "gone.png" });
    writeFileSync(
      join(output, "config.json"),
      JSON.stringify({ name: "</td><script>alert(1)</script>", nested: { a: [1] } }),
    );
    const html = await page(output);
    expect(html).not.toContain("<script>alert");
    expect(html).toContain("<td>nested.a</td><td>[1]</td>");
    expect(html).toMatch(/<div class="none">Cannot draw on gone\.png: /);
    for (const tag of ["main", "section", "div", "table", "tr", "td", "figure", "svg", "details", "script", "style"]) {
      const opened = html.match(new RegExp(`<${tag}[ >]`, "g"))?.length;
      expect([tag, html.match(new RegExp(`</${tag}>`, "g"))?.length]).toEqual([tag, opened]);
    }
  });

  it.each([
    [{ end: "failed" }, "loss_not_finite: The loss of step 7 is not a finite number."],
    [{ end: "silence" }, "The run&#39;s process is gone without having said why"],
  ] as const)("of a run that ended with %j says so", async (plan, text) => {
    const html = await page(await finishedRun({ steps: 7, ...plan }));
    expect(html).toContain(text.replace("&#39;", "'"));
  });

  it("of a run that has done no step is still one", async () => {
    const html = await page(await finishedRun({ steps: 0, end: "silence" }));
    expect(html).toContain("<b>0 / 0</b>");
    expect(html).not.toContain("<h2>Losses</h2>");
  });

  it("of as many steps as a long run has is one", async () => {
    const output = await finishedRun({ steps: 1 });
    const file = join(output, "events.jsonl");
    const step = readFileSync(file, "utf8")
      .split("\n")
      .find((line) => line.includes('"type":"step"'));
    appendFileSync(file, `${step}\n`.repeat(150_000));
    expect(await page(output)).toContain("<b>1.1 GB</b><span>most memory</span>");
  });

  it("goes where it is told to, whole or not at all", async () => {
    const output = await finishedRun({ steps: 1 });
    const file = join(temporaryFolder(), "page.html");
    expect(await writeReport(output, file)).toBe(file);
    expect(existsSync(`${file}.part`)).toBe(false);
    expect((await failure(writeReport(output, "/no/page.html"), "file_error")).message).toContain(
      "Cannot write the report",
    );
    await failure(writeReport(temporaryFolder(), undefined), "file_error");
  });

  it.skipIf(chromium === undefined)(
    "shows values where the pointer is, in a real browser",
    { timeout: 60_000 },
    async () => {
      const html = await page(await finishedRun({ steps: 20, picture }));
      const probe = `<script>
      const svg = document.querySelector("svg[data-points]");
      const { left, width } = svg.getBoundingClientRect();
      svg.dispatchEvent(new PointerEvent("pointermove", { clientX: left + width, clientY: 0 }));
      document.title = svg.closest("figure").querySelector("output").textContent + " of " + document.images[0].naturalWidth;
    </script></body>`;
      const file = join(temporaryFolder(), "probe.html");
      writeFileSync(file, html.replace('loading="lazy"', "").replace("</body>", probe));
      expect(rendered(file)).toMatch(/<title>step 20: \d\.\d+ of \d+<\/title>/);
    },
  );
});
