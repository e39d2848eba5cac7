import { decompress, type RunLengths } from "../../images/rle.ts";

type Point = [x: number, y: number];

/** Pixels of one column from the first to the last. */
type Run = [first: number, last: number];

/**
 * Polygons that cover exactly the mask's pixels where corners are pixels and outlines belong to what is drawn. Runs of
 * neighbouring columns that touch no others make one.
 */
export function polygonsOf({ size: [height, width], counts }: RunLengths): Point[][] {
  const columns = columnsOf(counts, height, width);
  const polygons: { start: number; runs: Run[] }[] = [];
  let open: { start: number; runs: Run[] }[] = [];
  columns.forEach((runs, x) => {
    const before = open;
    open = runs.map((run) => {
      const touched = before.filter((one) => touch(last(one), run));
      const [only] = touched;
      if (only !== undefined && touched.length === 1 && runs.filter((one) => touch(last(only), one)).length === 1) {
        only.runs.push(run);
        return only;
      }
      const begun = { start: x, runs: [run] };
      polygons.push(begun);
      return begun;
    });
  });
  return polygons.map(({ start, runs }) => {
    const top = staircase(
      runs.map(([first]) => first),
      Math.min,
    );
    const bottom = staircase(
      runs.map(([, end]) => end),
      Math.max,
    );
    return [...top, ...bottom.reverse()].map(([x, y]): Point => [start + x, y]);
  });
}

function columnsOf(counts: string, height: number, width: number): Run[][] {
  const columns = Array.from({ length: width }, (): Run[] => []);
  let at = 0;
  (decompress(counts) ?? []).forEach((length, index) => {
    // A run may go on in the next columns.
    if (index % 2 === 1)
      for (let from = at; from < at + length;) {
        const x = Math.floor(from / height);
        const end = Math.min(at + length, (x + 1) * height);
        columns[x]?.push([from - x * height, end - 1 - x * height]);
        from = end;
      }
    at += length;
  });
  return columns;
}

function touch([first, end]: Run, [otherFirst, otherEnd]: Run): boolean {
  return first <= otherEnd && otherFirst <= end;
}

function last({ runs }: { runs: readonly Run[] }): Run {
  return runs.at(-1) as Run;
}

/**
 * One side of the columns without slanted lines, whose pixels could be of neither column: from one to the next it goes
 * along the inner of their two rows, which both cover.
 */
function staircase(rows: readonly number[], outer: (one: number, other: number) => number): Point[] {
  return rows.flatMap((row, x): Point[] => {
    const before = rows[x - 1];
    if (before === undefined || before === row) return [[x, row]];
    const turn: Point = outer(before, row) === row ? [x, before] : [x - 1, row];
    return [turn, [x, row]];
  });
}
