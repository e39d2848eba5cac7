import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeBenchmarkReport } from "../../../src/evaluation/report/write.ts";
import { chromium, rendered } from "../../support/browser.ts";
import { benchmarkRun, type RunContent } from "../../support/benchmark-runs.ts";
import { failure } from "../../support/faults.ts";
import { fixture, temporaryFolder } from "../../support/folders.ts";

const picture = fixture("../../examples/pictures/pig.jpg");
const boxes = [
  { label: "pig", box: [10, 10, 120, 90], verdict: "right", score: 0.9 },
  { label: "<cow>", box: [20, 10, 100, 80], verdict: "wrong", score: 0.61 },
  { label: "pig", box: [50, 40, 140, 140], verdict: "missed", score: null },
];
const details = {
  curves: [
    { name: "IoU 0.5", precision: Array.from({ length: 101 }, (_, place) => (place < 80 ? 1 : 0)) },
    { name: "IoU 0.75", precision: Array.from({ length: 101 }, () => 0.25) },
  ],
  counts: { right: 40, duplicate: 1, box: 2, category: 3, background: 4, missed: 9 },
  threshold: 0.4321,
  cases: [
    { kind: "picture", id: 1, picture, size: [512, 512], text: "1 of 2 found, 1 wrong", boxes },
    { kind: "picture", id: 3, picture, size: [512, 384], text: "0 of 1 found, 0 wrong", boxes: boxes.slice(2) },
    { kind: "error", id: 2, picture: "/gone/b.jpg", size: null, text: "category", boxes: boxes.slice(1, 2) },
  ],
};
const parts = { categories: { cat: { box: 0.25 }, "a & b": { box: 0.75 }, none: { box: null } } };

async function page(content: RunContent = {}): Promise<string> {
  return readFileSync(await writeBenchmarkReport(benchmarkRun({ parts, details, ...content }), undefined), "utf8");
}

describe("a benchmark's report", () => {
  it("has figures, published rows, curves, errors, categories and cases, and loads nothing from elsewhere", async () => {
    const html = await page();
    expect(html).toContain('<div class="tile"><b>0.457</b><span>box.AP</span></div>');
    expect(html).toContain('<tr class="own"><td>mine</td><td>45.7</td>');
    expect(html).toContain("<td>GLIP-L</td><td>51.4</td><td>zero-shot</td>");
    expect(html).toContain('IoU 0.5 <b>0.792</b></span><span class="key curve1">IoU 0.75 <b>0.250</b>');
    expect(html).toContain("What scores at least 0.432");
    expect(html).toMatch(
      /<span>another category<\/span><div><i class="wrong" style="width:7.5%"><\/i><\/div><b>3<\/b>/,
    );
    expect([...html.matchAll(/<i class="" style="width:([\d.]+)%">/g)].map(([, part]) => part)).toEqual(["75", "25"]);
    expect(html).toContain("Without anything to measure: 1.");
    expect(html).toMatch(
      /<img src="data:image\/jpeg;base64,[\w+/=]{1000,}" alt="right pig 0.90, wrong &#60;cow&#62; 0.61, missed pig"/,
    );
    expect(html).toMatch(/<div class="none">Cannot draw on \/gone\/b\.jpg: /);
    expect(html).toContain("<b>another category</b> · b.jpg");
    expect(html).toContain('<div class="none">it is stored turned, or was changed</div>');
    expect(html.match(/<span class="key \w+">(right|wrong|missed|true)</g)).toHaveLength(4);
    const without = html.replaceAll(/data:image\/jpeg;base64,[\w+/=]*/g, "").replaceAll(/<a href="[^"]*">/g, "");
    expect(without).not.toMatch(/(src|href)="(?!")|url\(|@import|https?:|<script/);
  });

  it("is well-formed: what opens is closed, and what the run says is text", async () => {
    const html = await page({
      notes: { "box.AP": "</div><script>alert(1)</script>" },
      problems: [{ kind: "missing_picture", where: "/a/<b>.jpg", reason: "it is not there" }],
    });
    expect(html).not.toContain("<script>");
    expect(html).toContain("<td>/a/&#60;b&#62;.jpg</td><td>it is not there</td>");
    expect(html).toContain("Pictures that were left out: 1");
    expect(html).not.toMatch(/NaN|Infinity|undefined/);
    for (const tag of ["main", "section", "div", "table", "tr", "td", "figure", "svg", "details", "style", "span"]) {
      const opened = html.match(new RegExp(`<${tag}[ >]`, "g"))?.length;
      expect([tag, html.match(new RegExp(`</${tag}>`, "g"))?.length]).toEqual([tag, opened]);
    }
  });

  it("of many categories shows the best and the worst, and all when asked", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 300 }, (_, place) => [`thing ${place}`, { box: place / 300 }]),
    );
    const html = await page({ parts: { categories: many } });
    expect(html).toContain("<summary>All 300</summary>");
    expect(html.match(/<span>thing 299<\/span>/g)).toHaveLength(2);
    expect(html.match(/<span>thing 150<\/span>/g)).toHaveLength(1);
  });

  it("of another benchmark, without details or published figures, is still one", async () => {
    const html = await page({
      benchmark: "words",
      metrics: { accuracy: 0.5 },
      parts: { questionTypes: { "how many": { accuracy: 0.25 } } },
      details: {
        curves: [],
        counts: { right: 3, wrong: 1 },
        threshold: null,
        cases: [
          { kind: "picture", id: 1, picture, size: null, text: "What? no, and 9 of 10 people: a pig", boxes: [] },
        ],
      },
    });
    expect(html).toContain("<h2>Question types, by accuracy</h2>");
    expect(html).toContain("<b>What? no, and 9 of 10 people: a pig</b> · pig.jpg");
    expect(html).not.toMatch(/class="(hint|legend)"/);
    expect([...html.matchAll(/<h2>([^<]*)</g)].map(([, title]) => title)).toEqual([
      "Right and wrong",
      "Question types, by accuracy",
      "The worst pictures",
      "All figures",
    ]);
  });

  it("goes where it is told to; of a run that has not ended there is none", async () => {
    const file = join(temporaryFolder(), "page.html");
    expect(await writeBenchmarkReport(benchmarkRun(), file)).toBe(file);
    await failure(writeBenchmarkReport(benchmarkRun({ ended: false }), file), "file_error");
    await failure(writeBenchmarkReport(benchmarkRun(), "/no/page.html"), "file_error");
  });

  it.skipIf(chromium === undefined)("is laid out in a real browser", { timeout: 60_000 }, async () => {
    const probe = `<script>
      const wide = (selector) => Math.round(document.querySelector(selector).getBoundingClientRect().width);
      const [right, , , , , missed] = [...document.querySelectorAll(".charts .bars i")].map((bar) => bar.offsetWidth);
      const color = getComputedStyle(document.querySelector(".key.missed"), "::before").backgroundColor;
      const over = document.documentElement.scrollWidth > innerWidth;
      document.title = [wide("svg") > 300, (missed / right).toFixed(2), document.images[0].naturalWidth, color, over].join(" ");
    </script></body>`;
    const file = join(temporaryFolder(), "probe.html");
    writeFileSync(file, (await page()).replaceAll('loading="lazy"', "").replace("</body>", probe));
    expect(rendered(file)).toMatch(/<title>true 0\.2[23] 520 rgb\(255, 159, 28\) false<\/title>/);
  });
});
