import { relative } from "node:path";

/** `45 s`, `12 min`, `3 h 12 min`, `2 d 4 h`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.round(whole / 60);
  const hours = Math.round(whole / 3600);
  if (whole < 60) return `${whole} s`;
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return withRest(minutes, 60, ["h", "min"]);
  return withRest(hours, 24, ["d", "h"]);
}

function withRest(count: number, of: number, [large, small]: readonly [string, string]): string {
  const rest = count % of;
  return `${Math.floor(count / of)} ${large}${rest > 0 ? ` ${rest} ${small}` : ""}`;
}

/** Three digits that count: `0.123`, `12.3`, `1.2e-4`. */
export function number(value: number | null | undefined): string {
  if (typeof value !== "number") return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e5) return value.toExponential(1).replace(/\.0e/, "e").replace("e+", "e");
  return size >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** 0 to 1 as papers have it. */
export function metric(value: number | null | undefined): string {
  return typeof value === "number" ? value.toFixed(3) : "–";
}

/** `5.2 GB`, of 10^9 bytes. */
export function bytes(value: number): string {
  const [unit, name] = value >= 1e9 ? [1e9, "GB"] : [1e6, "MB"];
  return `${(value / unit).toFixed(unit === 1e9 ? 1 : 0)} ${name}`;
}

/** A path as one would type it here. */
export function place(path: string): string {
  const from = relative("", path);
  return from === "" ? "." : from.startsWith("..") ? path : from;
}
