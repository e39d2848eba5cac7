import { expect, it } from "vitest";
import { report } from "../../src/cli/report.ts";
import { Detections } from "../../src/tasks/results/detections.ts";
import { Grounding } from "../../src/tasks/results/grounding.ts";

const picture = { path: "/nowhere/a.png" };
const size = { width: 640, height: 480, passes: 1, picture };
const plain = { name: "a.png", threshold: 0.5, colors: 0 };
const seen = new Detections({
  ...size,
  categories: ["person", "犬"],
  objects: [
    { label: "person", category: 0, score: 0.987, box: [80.4, 300, 260, 439.6] },
    { label: "犬", category: 1, score: 0.6, box: [0, 5, 90, 7] },
  ],
});

it("is a heading and a row for each object, in columns", () => {
  expect(report(seen, plain)).toBe(
    [
      "a.png: 2 objects above 0.5 (640 x 480 pixels)",
      "  label   score  x1   y1   x2   y2",
      "  person   0.99  80  300  260  440",
      "  犬       0.60   0    5   90    7",
    ].join("\n"),
  );
});

it("has the drawing's colours where the terminal has colours", async () => {
  const [, ...drawn] = [...(await seen.draw({ picture: false, labels: false })).matchAll(/stroke="(#\w{6})"/g)];
  const colors = new Set(drawn.map(([, color]) => color));
  const lines = report(seen, { ...plain, colors: 2 ** 24 }).split("\n");
  expect(lines[1]).toMatch(/^ {4}label/);
  for (const line of lines.slice(2)) {
    const channels = line.split("m■")[0]?.split(";").slice(2).map(Number) ?? [];
    expect(colors).toContain(`#${Buffer.from(channels).toString("hex")}`);
  }
  expect(report(seen, { ...plain, colors: 256 })).toContain("\u001b[38;5;");
});

it("says what to do where nothing was found, and how many prompts it took", () => {
  const nothing = new Detections({ ...size, categories: ["dog"], objects: [], passes: 3 });
  expect(report(nothing, plain)).toBe(
    "a.png: no object above 0.5 (640 x 480 pixels, looked for in 3 prompts)\nA lower --threshold shows what scored less.",
  );
});

it("cuts a long label, and a line break in it", () => {
  const label = `${"a very long name of a thing ".repeat(4)}\nend`;
  const [object] = seen.objects;
  const long = new Detections({ ...size, categories: [label], objects: [{ ...object, label } as typeof object & {}] });
  const row = report(long, plain).split("\n")[2] ?? "";
  expect(row.slice(2, 42)).toBe("a very long name of a thing a very long…");
});

it("lists the phrases that nothing was found for", () => {
  const grounding = new Grounding({
    ...size,
    caption: "a dog, a man",
    phrases: [
      { text: "a dog", span: [0, 5], objects: [] },
      { text: "a man", span: [7, 12], objects: [{ label: "a man", phrase: 1, score: 0.5, box: [0, 0, 2, 3] }] },
    ],
  });
  expect(report(grounding, plain).split("\n")).toEqual([
    "a.png: 1 object above 0.5 (640 x 480 pixels)",
    "  phrase  score  x1  y1  x2  y2",
    "  a man    0.50   0   0   2   3",
    "  a dog       -",
  ]);
});
