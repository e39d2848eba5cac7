/** Which of a run's figures stands beside which published one. */
export interface Column {
  /** As the table has it. */
  name: string;
  /** The run's, such as `box.AP`. */
  figure: string;
  /** Of the published rows. */
  benchmark: string;
  metric: string;
}

function columns(benchmark: string, figures: Record<string, string>, before = ""): Column[] {
  return Object.entries(figures).map(([metric, figure]) => ({ name: before + metric, figure, benchmark, metric }));
}

const lvis = { AP: "box.fixed.AP", APr: "box.fixed.APr", APc: "box.fixed.APc", APf: "box.fixed.APf" };
const recalls = { "R@1": "separate.R1", "R@5": "separate.R5", "R@10": "separate.R10" };
const overlap = { mIoU: "mask.meanIoU", "P@0.5": "mask.P50", "P@0.7": "mask.P70", "P@0.9": "mask.P90" };

function splits(benchmark: string, names: readonly string[]): Column[] {
  return names.flatMap((name) =>
    columns(`${benchmark}/${name}`, { accuracy: `${name}.accuracy` }).map((one) => ({ ...one, name })),
  );
}

/** By benchmark; of others nothing is published that could be read. */
const comparable: Record<string, Column[]> = {
  coco: columns("coco/val2017", { AP: "box.AP" }),
  "lvis-minival": columns("lvis/minival", lvis),
  "lvis-val": columns("lvis/val", lvis),
  odinw13: columns("odinw13", { AP: "AP.mean" }),
  odinw35: columns("odinw35", { AP: "AP.mean" }),
  flickr30k: columns("flickr30k/test", recalls),
  phrasecut: columns("phrasecut/test", overlap),
  refcoco: splits("refcoco", ["val", "testA", "testB"]),
  "refcoco+": splits("refcoco+", ["val", "testA", "testB"]),
  refcocog: splits("refcocog", ["val", "test"]),
};

/** Columns of a comparison; of a benchmark without published figures, all that the runs have. */
export function columnsOf(benchmark: string, figures: Iterable<string>): Column[] {
  return comparable[benchmark] ?? [...figures].map((name) => ({ name, figure: name, benchmark, metric: name }));
}
