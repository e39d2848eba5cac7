import { streamKey } from "./compose/scene.ts";
import { type Mask, masksOf } from "./masks.ts";
import { Random } from "./random.ts";
import type { Scene } from "./scene.ts";
import type { ColorName } from "./shapes.ts";
import { stockOf } from "./splits.ts";
import { captions } from "./words/captions.ts";
import { type Expression, expressions } from "./words/expressions.ts";
import type { Question } from "./words/questions/question.ts";
import { questions } from "./words/questions.ts";
import type { Sentence } from "./words/sentence.ts";
import { View } from "./words/view.ts";

/** What can be said of a scene without drawing it. */
export interface SceneWords {
  /** An inventory, places, and relations. */
  captions: Sentence[];
  expressions: Expression[];
  questions: Question[];
}

/** An object in the picture. */
export interface AnnotatedObject extends Mask {
  /** As in `scene.objects`. */
  id: number;
  category: string;
  /** A shape's colour. */
  color: ColorName | null;
  size: "small" | "medium" | "large";
}

export interface SceneAnnotations extends SceneWords {
  objects: AnnotatedObject[];
}

const EXPRESSIONS = 3;
const QUESTIONS = 6;

/** Sentences about a scene. They follow from its description alone. */
export function describeScene(scene: Scene): SceneWords {
  const stream = (part: string): Random => new Random(streamKey(scene, part));
  const view = new View(scene);
  return {
    captions: captions(view, stream("captions")),
    expressions: expressions(view, EXPRESSIONS, stream("expressions")),
    questions: questions(view, stockOf(scene.split), QUESTIONS, stream("questions")),
  };
}

/** @param owner for each pixel, row by row: the id of the object that is seen there, or -1 */
export function annotateScene(scene: Scene, owner: Int8Array, size: number): SceneAnnotations {
  const masks = masksOf(owner, size, scene.objects.length);
  const objects = scene.objects.map((object, index) => ({
    id: object.id,
    category: object.category,
    color: object.kind === "shape" ? object.color : null,
    size: object.size,
    ...(masks[index] as Mask),
  }));
  return { objects, ...describeScene(scene) };
}
