/** What a chart shows: `y` over steps. */
export interface Curve {
  name: string;
  points: readonly (readonly [step: number, y: number])[];
  /** Whether a smoothed line goes over it, which noise needs. */
  smooth: boolean;
}

/** More than a chart has pixels for. */
const MOST_POINTS = 500;
/** Part of the curve's length over which it is smoothed. */
const SMOOTHED_PART = 0.05;

/** As many points as can be seen: each the mean of those that it stands for. */
export function thin(points: Curve["points"], most = MOST_POINTS): [step: number, y: number][] {
  const count = Math.min(points.length, most);
  return Array.from({ length: count }, (_, index) => {
    const part = points.slice(
      Math.floor((index * points.length) / count),
      Math.floor(((index + 1) * points.length) / count),
    );
    const mean = part.reduce((sum, [, y]) => sum + y, 0) / part.length;
    return [part.at(-1)?.[0] ?? 0, mean];
  });
}

/**
 * An exponential mean that forgets over a twentieth of the curve, and is none of zeros at the start.
 * @param geometric the mean of the logarithms, for a curve that is seen on a logarithmic axis
 */
export function smoothed(
  points: readonly (readonly [number, number])[],
  geometric: boolean,
): [step: number, y: number][] {
  const keep = 1 - 1 / Math.max(1, points.length * SMOOTHED_PART);
  let sum = 0;
  let weight = 0;
  return points.map(([step, y]) => {
    sum = keep * sum + (1 - keep) * (geometric ? Math.log(y) : y);
    weight = keep * weight + (1 - keep);
    const mean = sum / weight;
    return [step, geometric ? Math.exp(mean) : mean];
  });
}
