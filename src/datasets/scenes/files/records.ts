import type { AnnotatedObject } from "../annotate.ts";
import type { CategoryEntry } from "../splits.ts";
import type { Question } from "../words/questions/question.ts";
import type { Phrase, Sentence } from "../words/sentence.ts";

/** A picture as COCO lists it. */
export interface ImageRecord {
  id: number;
  file_name: string;
  width: number;
  height: number;
}

/** The id in `instances.json` of an object of the picture. */
export type AnnotationId = (object: number) => number;

/** COCO's `[x, y, width, height]`. */
function bboxOf({ box: [x1, y1, x2, y2] }: AnnotatedObject): number[] {
  return [x1, y1, x2 - x1, y2 - y1];
}

export function instanceRecord(
  object: AnnotatedObject,
  image: ImageRecord,
  id: AnnotationId,
  categories: readonly CategoryEntry[],
): object {
  const category = categories.find(({ name }) => name === object.category);
  if (category === undefined) throw new Error(`the split has no category ${object.category}`);
  return {
    id: id(object.id),
    image_id: image.id,
    category_id: category.id,
    bbox: bboxOf(object),
    area: object.area,
    iscrowd: 0,
    segmentation: object.mask,
    attributes: { color: object.color, size: object.size },
  };
}

export function phraseRecords(phrases: readonly Phrase[], id: AnnotationId): object[] {
  return phrases.map(({ start, end, text, objects }) => ({ start, end, text, annotations: objects.map(id) }));
}

/**
 * A sentence in MDETR's form, which makes an image of each sentence, and an annotation of each object it speaks of.
 *
 * @param sentenceId counts from 1; it is the id of MDETR's image
 * @param firstId id of the first of its annotations
 */
export function groundingRecords(
  said: Sentence & { target?: number },
  image: ImageRecord,
  objects: readonly AnnotatedObject[],
  id: AnnotationId,
  sentenceId: number,
  firstId: number,
): { image: object; annotations: object[] } {
  const spans = (object: number): number[][] =>
    said.phrases.filter((phrase) => phrase.objects.includes(object)).map(({ start, end }) => [start, end]);
  const meant = objects.filter((object) => spans(object.id).length > 0);
  return {
    image: {
      ...image,
      id: sentenceId,
      caption: said.text,
      dataset_name: "scenes",
      original_img_id: image.id,
      sentence_id: sentenceId,
      kind: said.target === undefined ? "caption" : "expression",
      ...(said.target === undefined ? {} : { target: id(said.target) }),
      tokens_negative: [[0, said.text.length]],
      tokens_positive_eval: said.phrases.map(({ start, end }) => [[start, end]]),
      phrases: phraseRecords(said.phrases, id),
    },
    annotations: meant.map((object, index) => ({
      id: firstId + index,
      image_id: sentenceId,
      category_id: 1,
      bbox: bboxOf(object),
      area: object.area,
      iscrowd: 0,
      tokens_positive: spans(object.id),
      instance_id: id(object.id),
    })),
  };
}

export function questionRecord(asked: Question, image: ImageRecord, id: AnnotationId, questionId: number): object {
  return {
    id: questionId,
    image_id: image.id,
    type: asked.type,
    question: asked.text,
    answer: asked.answer,
    annotations: asked.objects.map(id),
    phrases: phraseRecords(asked.phrases, id),
  };
}
