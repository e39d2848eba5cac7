import { verdictColors } from "./cases.ts";

const verdicts = [...verdictColors].map(
  ([verdict, color]) => `.key.${verdict}::before, .bars i.${verdict} { background: ${color}; }`,
);

/** Of a benchmark's page, after that of all reports. */
export const STYLE = `
.charts { align-items: start; grid-template-columns: repeat(auto-fit, minmax(340px, 1fr)); }
.charts .chart { max-width: 640px; }
.chart figcaption { flex-wrap: wrap; justify-content: start; gap: 2px 14px; padding-bottom: 6px; }
.key { color: var(--soft); font-size: 13px; }
.key::before { content: ""; display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 6px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: -4px 0 12px; }
.chart .curve1 { stroke-dasharray: 7 4; stroke-opacity: .85; }
.chart .curve2 { stroke-dasharray: 2 3; }
.key.curve0::before, .key.curve1::before, .key.curve2::before { width: 20px; height: 0; border-radius: 0; background: none;
  border-top: 2px solid var(--accent); vertical-align: 4px; }
.key.curve1::before { border-top-style: dashed; }
.key.curve2::before { border-top-style: dotted; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 14px; }
.columns { columns: 360px auto; column-gap: 28px; }
.bar { display: grid; grid-template-columns: minmax(90px, 34%) 1fr 52px; gap: 10px; align-items: center;
  font-size: 13px; line-height: 1.75; break-inside: avoid; }
.bar span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; color: var(--soft); }
.bar div { background: var(--page); border-radius: 4px; height: 11px; }
.bar i { display: block; height: 100%; border-radius: 4px; background: var(--accent); }
.bar b { text-align: right; font-weight: 600; font-variant-numeric: tabular-nums; }
${verdicts.join("\n")}
tr.own td { font-weight: 700; color: var(--accent); }
.published td:nth-last-child(-n+3), .published th:nth-last-child(-n+3) { text-align: left; }
.published p { margin: 0; padding: 8px 14px; font-size: 13px; color: var(--soft); }
a { color: inherit; }
.hint { color: var(--soft); font-size: 13px; margin: 0 0 12px; }
.problems { max-height: 300px; overflow: auto; }
`;
