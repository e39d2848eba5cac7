/** Of the report's page; it follows the reader's choice of light and dark. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1d2433; --soft: #5c667a; --line: #d9dee8; --page: #f5f7fa; --card: #fff;
  --accent: #2563c9; --good: #1a7f4b; --bad: #b3261e; --warn: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8f0; --soft: #98a2b5; --line: #333c4d; --page: #12161f;
  --card: #1b212d; --accent: #7fb0ff; --good: #5fd198; --bad: #ff8a80; --warn: #f0c060; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { margin: 0; font-size: 26px; overflow-wrap: anywhere; }
h2 { margin: 34px 0 12px; font-size: 18px; }
.sub { color: var(--soft); overflow-wrap: anywhere; }
.state { display: inline-block; margin-left: 10px; padding: 1px 10px; border-radius: 99px; font-size: 14px;
  font-weight: 600; vertical-align: 4px; border: 1px solid; color: var(--accent); }
.state.completed, .state.plateau { color: var(--good); }
.state.failed, .state.lost { color: var(--bad); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin-top: 20px; }
.tile, .chart, .sample, .note, .box { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.tile { padding: 10px 14px; }
.tile b { display: block; font-size: 22px; font-weight: 600; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: 13px; }
.note { margin-top: 14px; padding: 10px 14px; white-space: pre-wrap; overflow-wrap: anywhere; border-left: 4px solid var(--warn); }
.note.bad { border-left-color: var(--bad); }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(340px, 1fr)); gap: 14px; }
.chart { margin: 0; padding: 10px 12px 4px; }
.chart figcaption { display: flex; justify-content: space-between; }
.chart output { font-variant-numeric: tabular-nums; color: var(--soft); }
.chart svg { display: block; width: 100%; touch-action: pan-y; }
.chart .grid { stroke: var(--line); fill: none; }
.chart text { fill: var(--soft); font-size: 11px; }
.chart .y { text-anchor: end; dominant-baseline: middle; }
.chart .x { text-anchor: middle; }
.chart .raw { stroke: var(--accent); stroke-opacity: .28; fill: none; }
.chart .line { stroke: var(--accent); stroke-width: 2; fill: none; stroke-linejoin: round; }
.chart circle { fill: var(--accent); }
.chart .cursor { visibility: hidden; stroke: var(--soft); stroke-dasharray: 3 3; }
.chart circle.cursor { stroke: var(--card); stroke-dasharray: none; stroke-width: 1.5; }
.chart svg.on .cursor { visibility: visible; }
.box { overflow-x: auto; margin-bottom: 14px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 14px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
th:first-child, td:first-child { text-align: left; }
th { color: var(--soft); font-weight: 500; }
td.best { font-weight: 700; color: var(--good); }
.pairs td { text-align: left; white-space: normal; overflow-wrap: anywhere; vertical-align: top; }
.pairs td:first-child { color: var(--soft); width: 1%; white-space: nowrap; }
.samples { display: grid; grid-template-columns: repeat(auto-fill, minmax(340px, 1fr)); gap: 14px; }
.sample { margin: 0; overflow: hidden; }
.sample img { display: block; width: 100%; }
.sample figcaption { padding: 8px 12px; font-size: 13px; color: var(--soft); overflow-wrap: anywhere; }
.sample b { color: var(--ink); font-weight: 600; }
.none { padding: 30px 12px; text-align: center; color: var(--soft); overflow-wrap: anywhere; }
summary { cursor: pointer; font-size: 18px; font-weight: 600; margin: 34px 0 12px; }
`;

/** Reads a chart's values off where the pointer is. */
export const SCRIPT = `
for (const svg of document.querySelectorAll("svg[data-points]")) {
  const points = JSON.parse(svg.dataset.points);
  const output = svg.closest("figure").querySelector("output");
  const last = output.textContent;
  const [line, dot] = svg.querySelectorAll(".cursor");
  svg.addEventListener("pointermove", (event) => {
    const { left, width } = svg.getBoundingClientRect();
    const at = ((event.clientX - left) / width) * svg.viewBox.baseVal.width;
    const [step, value, x, y] = points.reduce((a, b) => (Math.abs(b[2] - at) < Math.abs(a[2] - at) ? b : a));
    line.setAttribute("transform", "translate(" + x + " 0)");
    dot.setAttribute("cx", x);
    dot.setAttribute("cy", y);
    svg.classList.add("on");
    output.textContent = "step " + step + ": " + value;
  });
  svg.addEventListener("pointerleave", () => {
    svg.classList.remove("on");
    output.textContent = last;
  });
}
`;
