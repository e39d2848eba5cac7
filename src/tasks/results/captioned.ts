import type { ResolvedImage } from "../../images/source.ts";
import { Grounding, type GroundingData } from "./grounding.ts";
import { count, describeObject } from "./pictured.ts";

export interface CaptionedData extends GroundingData {
  /** Of the whole caption, natural logarithm. */
  logProbability: number;
  /** False: it was cut at the most tokens. */
  ended: boolean;
}

/** What `caption` tells: the caption, and as for `ground`, what its noun phrases speak of. Iterates over the objects. */
export class Captioned extends Grounding {
  /** Of the whole caption, natural logarithm. */
  readonly logProbability: number;
  /** False: it was cut at the most tokens. */
  readonly ended: boolean;

  /** For the task that fills it; `picture` is kept for drawing. */
  constructor(data: CaptionedData & { picture: ResolvedImage }) {
    super(data);
    this.logProbability = data.logProbability;
    this.ended = data.ended;
  }

  /** The data alone, without the picture. */
  override toJSON(): CaptionedData {
    return { ...super.toJSON(), logProbability: this.logProbability, ended: this.ended };
  }

  protected override describe(): [string, ...string[]] {
    const { width, height, caption, objects } = this;
    const title = `Caption ${width}x${height} ${JSON.stringify(caption)}: ${count(objects.length, "object")}`;
    return [title, ...objects.map(describeObject)];
  }
}
