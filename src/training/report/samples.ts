import { messageOf } from "../../errors.ts";
import { sizeOf } from "../../images/picture.ts";
import { render } from "../../images/render.ts";
import type { RunEvent } from "../../protocol/run-events.ts";
import { fromRunEvent } from "../native/events.ts";
import type { SampleEvent } from "../events.ts";

/** Longest side of a picture in the report, in pixels. */
const SIZE = 520;
const QUALITY = 82;
const MOST = 12;
/** More are counted instead. */
const MOST_NAMES = 10;

/** A sample as the report shows it. */
export interface DrawnSample {
  step: number;
  /** A `data:` URL; undefined where the picture cannot be drawn, and `reason` says why. */
  picture: string | undefined;
  reason: string | undefined;
  /** What was asked, and what was seen, in words. */
  asked: string;
  seen: string[];
}

/** The samples of the last evaluation, drawn. */
export async function drawSamples(events: readonly RunEvent[]): Promise<DrawnSample[]> {
  const samples = events.map(fromRunEvent).filter((event) => event?.type === "sample");
  const step = samples.at(-1)?.step;
  return Promise.all(
    samples
      .filter((sample) => sample.step === step)
      .slice(0, MOST)
      .map(draw),
  );
}

function askedFor(categories: readonly string[]): string {
  return categories.length > MOST_NAMES ? `${categories.length} categories` : categories.join(", ");
}

async function draw({ step, path, caption, categories, objects }: SampleEvent): Promise<DrawnSample> {
  const words = {
    step,
    asked: caption ?? askedFor(categories ?? []),
    seen: objects.map(({ label, score }) => `${label} ${score.toFixed(2)}`),
  };
  try {
    const items = objects.map(({ label, score, box }) => ({ label, score, box, colorKey: label }));
    const annotation = { ...(await sizeOf({ path })), items, colorKeys: categories ?? [] };
    const bytes = await render(annotation, { path }, "jpeg", { size: SIZE, quality: QUALITY });
    return { ...words, picture: `data:image/jpeg;base64,${Buffer.from(bytes).toString("base64")}`, reason: undefined };
  } catch (error) {
    // A report of a run whose pictures are gone is still one.
    return { ...words, picture: undefined, reason: messageOf(error) };
  }
}
