import { writeFile } from "node:fs/promises";
import sharp from "sharp";

export interface FewShotCurve {
  name: string;
  /** Mean and standard deviation of AP over the seeds. */
  points: { shots: number; mean: number; deviation: number }[];
}

const SIZE = { width: 720, height: 420, left: 64, right: 170, top: 44, bottom: 56 };
const COLORS = ["#2a6f97", "#e07a1f"];

/** AP over the number of shots, as a PNG. Returns its path. */
export async function writeChart(path: string, zeroShot: number, curves: readonly FewShotCurve[]): Promise<string> {
  const shots = curves[0]?.points.map((point) => point.shots) ?? [];
  const ends = curves.flatMap(({ points }) =>
    points.flatMap(({ mean, deviation }) => [mean - deviation, mean + deviation]),
  );
  const low = Math.max(0, Math.floor((Math.min(zeroShot, ...ends) - 0.02) * 20) / 20);
  const high = Math.ceil((Math.max(zeroShot, ...ends) + 0.02) * 20) / 20;
  const { width, height, left, right, top, bottom } = SIZE;
  const x = (shot: number): number =>
    left + 30 + ((width - left - right - 60) * shots.indexOf(shot)) / Math.max(1, shots.length - 1);
  const y = (value: number): number => top + ((height - top - bottom) * (high - value)) / (high - low);

  const ticks = Array.from({ length: Math.round((high - low) / 0.05) + 1 }, (_, at) => low + at * 0.05);
  const grid = ticks.map(
    (value) =>
      `<line x1="${left}" x2="${width - right}" y1="${y(value)}" y2="${y(value)}" stroke="#e3e3e3"/>` +
      `<text x="${left - 10}" y="${y(value) + 5}" text-anchor="end">${value.toFixed(2)}</text>`,
  );
  const axis = shots.map(
    (shot) => `<text x="${x(shot)}" y="${height - bottom + 22}" text-anchor="middle">${shot}</text>`,
  );
  const level =
    `<line x1="${left}" x2="${width - right}" y1="${y(zeroShot)}" y2="${y(zeroShot)}" stroke="#777" stroke-dasharray="6 5"/>` +
    `<text x="${width - right + 10}" y="${y(zeroShot) + 5}" fill="#555">zero-shot ${zeroShot.toFixed(3)}</text>`;
  const drawn = curves.map(({ name, points }, at) =>
    curveSvg(name, points, COLORS[at % COLORS.length] ?? "#333", x, y),
  );

  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="14" fill="#333">
<rect width="100%" height="100%" fill="white"/>
<text x="${left}" y="26" font-size="16">Box AP in a style that was never seen (mean and deviation over the seeds)</text>
${[...grid, ...axis, level, ...drawn].join("\n")}
<text x="${(left + width - right) / 2}" y="${height - 12}" text-anchor="middle">pictures of each category</text>
</svg>`;
  await writeFile(path, await sharp(Buffer.from(svg)).png().toBuffer());
  return path;
}

function curveSvg(
  name: string,
  points: FewShotCurve["points"],
  color: string,
  x: (shots: number) => number,
  y: (value: number) => number,
): string {
  const line = points.map(({ shots, mean }) => `${x(shots)},${y(mean)}`).join(" ");
  const marks = points.map(({ shots, mean, deviation }) => {
    const [at, above, below] = [x(shots), y(mean + deviation), y(mean - deviation)];
    return `<path d="M${at} ${above}V${below}M${at - 5} ${above}h10M${at - 5} ${below}h10" stroke="${color}"/><circle cx="${at}" cy="${y(mean)}" r="4" fill="${color}"/>`;
  });
  const last = points.at(-1);
  const label = last && `<text x="${x(last.shots) + 40}" y="${y(last.mean) + 5}" fill="${color}">${name}</text>`;
  return `<polyline points="${line}" fill="none" stroke="${color}" stroke-width="2"/>${marks.join("")}${label ?? ""}`;
}
