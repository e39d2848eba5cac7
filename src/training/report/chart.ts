import { escapeHtml } from "../table.ts";
import { type Curve, smoothed, thin } from "./curve.ts";
import { powers, ticks } from "./ticks.ts";

/** In units of the drawing, which is as wide as its place on the page. */
const WIDTH = 380;
const HEIGHT = 200;
const LEFT = 46;
const RIGHT = 20;
const TOP = 8;
const BOTTOM = 22;

/** Where a curve spans more than this, small values are seen on a logarithmic axis alone. */
const WIDE_RATIO = 50;

/**
 * A line chart as a figure with inline SVG. `data-points` and `data-box` are for the page's script, which reads values
 * off where the pointer is.
 */
export function chart({ name, points, smooth }: Curve): string {
  const raw = thin(points);
  const ys = raw.map(([, y]) => y);
  const [low, high] = [Math.min(...ys), Math.max(...ys)];
  const logarithmic = low > 0 && high / low > WIDE_RATIO;
  const line = smooth ? smoothed(raw, logarithmic) : raw;
  const marks = logarithmic ? powers(low, high) : ticks(low, high, 5);
  const [bottom, top] = padded(Math.min(low, ...marks), Math.max(high, ...marks), logarithmic);
  const [first, last] = [raw[0]?.[0] ?? 0, raw.at(-1)?.[0] ?? 1];
  const x = (step: number): number => LEFT + ((step - first) / (last - first || 1)) * (WIDTH - LEFT - RIGHT);
  const scale = (y: number): number => (logarithmic ? Math.log10(y) : y);
  const y = (value: number): number =>
    TOP + (1 - (scale(value) - scale(bottom)) / (scale(top) - scale(bottom) || 1)) * (HEIGHT - TOP - BOTTOM);
  const path = (of: readonly (readonly [number, number])[]): string =>
    of.map(([step, value], index) => `${index === 0 ? "M" : "L"}${fixed(x(step))} ${fixed(y(value))}`).join("");
  const grid = marks.map((mark) => {
    const at = fixed(y(mark));
    return `<path class="grid" d="M${LEFT} ${at}H${WIDTH - RIGHT}"/><text class="y" x="${LEFT - 6}" y="${at}">${short(mark)}</text>`;
  });
  const steps = ticks(first, last, 4).map(
    (step) => `<text class="x" x="${fixed(x(step))}" y="${HEIGHT - 6}">${short(step)}</text>`,
  );
  const dots =
    line.length <= 30
      ? line.map(([step, value]) => `<circle cx="${fixed(x(step))}" cy="${fixed(y(value))}" r="2.5"/>`)
      : [];
  const data = JSON.stringify(
    line.map(([step, value]) => [step, Number(value.toPrecision(5)), ...[x(step), y(value)].map(Math.round)]),
  );
  return `<figure class="chart"><figcaption><b>${escapeHtml(name)}</b><output>${short(line.at(-1)?.[1] ?? 0)}</output></figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(name)} over steps" data-points="${escapeHtml(data)}">
${grid.join("")}${steps.join("")}
${smooth ? `<path class="raw" d="${path(raw)}"/>` : ""}<path class="line" d="${path(line)}"/>${dots.join("")}
<path class="cursor" d="M0 ${TOP}V${HEIGHT - BOTTOM}"/><circle class="cursor" r="3.5"/></svg></figure>`;
}

/** Room above and below, also for a curve that stays the same. */
function padded(low: number, high: number, logarithmic: boolean): [low: number, high: number] {
  if (logarithmic) return [low / 1.1, high * 1.1];
  const room = (high - low || Math.abs(high) || 1) * 0.05;
  return [low - room, high + room];
}

/** `12k`, `0.25`, `1e-4`: as few characters as say it. */
export function short(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3) return value.toExponential(1).replace(".0e", "e");
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(3))}k`;
  return String(Number(value.toPrecision(4)));
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}
