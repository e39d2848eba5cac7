/** detect() beside the same in Python by itself, from a picture's file to boxes, in turns. */
import type { Detections, Glip } from "glip-sdk";
import { median, time } from "../harness.ts";
import { countDifferent, type Detector, type Found, secondsOf } from "./detector.ts";

export interface Overhead {
  /** Milliseconds of detect() in each round ... */
  ours: number[];
  /** ... and of Python. */
  direct: number[];
  /** Objects that only one of them found, or in another place, or with another score. */
  different: number;
}

/**
 * @param direct has the same weights and threshold, and asks for the same categories
 * @param calls of each side in each round, of which the median counts
 */
export async function measureOverhead(
  glip: Glip,
  direct: Detector,
  question: { picture: string; categories: readonly string[] },
  { rounds, calls = 1 }: { rounds: number; calls?: number },
): Promise<Overhead> {
  const { picture, categories } = question;
  const detect = () => glip.detect(picture, categories, { threshold: 0 });
  // The first calls pay for what is built on first use.
  const seen = foundOf(await detect());
  const [own = { boxes: [], scores: [] }] = (await direct.look(picture)).pictures;
  const measured: Overhead = { ours: [], direct: [], different: countDifferent(seen, own) };
  for (let round = 0; round < rounds; round++) {
    measured.ours.push(median(await time(detect, { runs: calls })));
    const seconds: number[] = [];
    for (let call = 0; call < calls; call++) seconds.push(secondsOf(await direct.look(picture)));
    measured.direct.push(1000 * median(seconds));
  }
  return measured;
}

function foundOf({ objects }: Detections): Found {
  return { boxes: objects.map(({ box }) => [...box]), scores: objects.map(({ score }) => score) };
}
