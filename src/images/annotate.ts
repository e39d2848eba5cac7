import type { Annotation, AnnotationItem, Box } from "./annotation.ts";
import { type Caption, layoutCaption } from "./caption.ts";
import { type LabelRequest, placeLabels, type Rectangle } from "./labels.ts";
import { maskPath } from "./mask-path.ts";
import { assignColors, type Color, inkOn } from "./palette.ts";
import { CAPITAL_HEIGHT, fit, layoutLine, measure, type TextLine } from "./text.ts";

/** What is drawn how; for `Detections.draw`, `save` and their kin. */
export interface DrawingOptions {
  /** @default true */
  labels?: boolean;
  /** Scores behind the labels. @default true */
  scores?: boolean;
  /** The caption below the picture, where the result has one. @default true */
  caption?: boolean;
  /** Boxes below this score are left out. @default 0 */
  minScore?: number;
  /**
   * Longest side of the drawn picture in pixels; labels stay as legible. The caption adds to the height.
   * @default the picture's own, but at least 480, for on a smaller one no label can be read
   */
  size?: number;
}

/** Everything in pixels of the drawing, in the order in which it is to be painted. */
export interface Drawing {
  /** Size of the whole drawing, the caption included. */
  width: number;
  height: number;
  /** Size that the picture has in it, from the top left corner. */
  picture: { width: number; height: number };
  lineWidth: number;
  masks: DrawnMask[];
  boxes: DrawnBox[];
  labels: DrawnLabel[];
  caption: Caption | undefined;
}

export interface DrawnMask {
  color: Color;
  /** The data of an SVG path, for the rule `evenodd`. */
  path: string;
  title: string;
}

export interface DrawnBox extends Rectangle {
  color: Color;
  /** Thinner than the drawing's where the thing's outline is drawn. */
  lineWidth: number;
  /** Opacity of its inside. */
  fill: number;
  /** What it is, in full: label and score. */
  title: string;
}

export interface DrawnLabel extends Rectangle {
  color: Color;
  ink: "#000000" | "#ffffff";
  fontSize: number;
  /** Where the text starts, on its baseline. */
  text: { x: number; y: number; line: TextLine };
}

/** Smaller pictures are enlarged to this, in pixels of the longer side. */
const SMALLEST = 480;
const CROWD = 12;

/** Lays out boxes, labels and caption. Large boxes come first, so that small ones are not covered. */
export function layoutDrawing(annotation: Annotation, options: DrawingOptions = {}): Drawing {
  const { labels = true, scores = true, caption = true, minScore = 0 } = options;
  const longest = Math.max(annotation.width, annotation.height);
  const scale = (options.size ?? Math.max(longest, SMALLEST)) / longest;
  const width = Math.max(1, Math.round(annotation.width * scale));
  const height = Math.max(1, Math.round(annotation.height * scale));
  const colors = colorsOf(annotation);
  const items = annotation.items.filter(({ score }) => score === undefined || score >= minScore);
  const fontSize = fontSizeFor(width, height, items.length);
  const lineWidth = Math.max(1.5, Math.round(fontSize) / 6);
  const boxes = items.map((item) => drawnBox(item, { scale, width, height, lineWidth }));
  const byArea = boxes.map((_, index) => index).sort((a, b) => areaOf(boxes[b]) - areaOf(boxes[a]));
  const captionText = caption ? annotation.caption : undefined;
  const strip = captionText && layoutCaption(captionText, { width, top: height, fontSize: fontSize * 1.15, colors });
  return {
    width,
    height: height + (strip?.height ?? 0),
    picture: { width, height },
    lineWidth,
    masks: byArea.flatMap((index) => {
      const item = items[index] as AnnotationItem;
      if (item.mask === undefined || item.mask.area === 0) return [];
      const path = maskPath(item.mask, scale);
      return [{ path, color: colors.get(item.colorKey) as Color, title: titleOf(item) }];
    }),
    boxes: byArea.map((index) => {
      const item = items[index] as AnnotationItem;
      const masked = item.mask !== undefined;
      const look = { fill: masked || items.length > CROWD ? 0 : 0.06, lineWidth: lineWidth * (masked ? 0.4 : 1) };
      const color = colors.get(item.colorKey) as Color;
      return { ...(boxes[index] as Rectangle), color, ...look, title: titleOf(item) };
    }),
    labels: labels ? drawnLabels(items, boxes, { width, height, lineWidth, fontSize, scores, colors }) : [],
    caption: strip,
  };
}

function colorsOf({ colorKeys = [], items, caption, colors = new Map() }: Annotation): Map<string, Color> {
  const found = [...items, ...(caption?.phrases ?? [])].map(({ colorKey }) => colorKey);
  return new Map([...assignColors([...colorKeys, ...found]), ...colors]);
}

/** In pixels: legible when the picture is looked at as a whole, smaller where many labels want a place. */
function fontSizeFor(width: number, height: number, count: number): number {
  const crowded = count <= CROWD ? 1 : Math.max(0.75, 1 - (count - CROWD) * 0.012);
  const wanted = 0.0215 * Math.sqrt(width * height) * crowded;
  return Math.min(Math.max(wanted, 11.5), Math.max(6, height * 0.5));
}

interface Bounds {
  scale: number;
  width: number;
  height: number;
  lineWidth: number;
}

/** The box inside the picture: its corners in order, and all of its line visible. */
function drawnBox({ box }: AnnotationItem, { scale, width, height, lineWidth }: Bounds): Rectangle {
  const along = (a: number, b: number, limit: number): [start: number, length: number] => {
    const margin = Math.min(lineWidth, limit) / 2;
    const [from, to] = [a, b].map((value) => Math.max(margin, Math.min(value * scale, limit - margin))) as [
      number,
      number,
    ];
    return [Math.min(from, to), Math.abs(to - from)];
  };
  const [x, across] = along(box[0], box[2], width);
  const [y, down] = along(box[1], box[3], height);
  return { x, y, width: across, height: down };
}

interface LabelSettings {
  width: number;
  height: number;
  lineWidth: number;
  fontSize: number;
  scores: boolean;
  colors: Map<string, Color>;
}

/** Labels of the best scores get the best places, and lie on top where they meet. */
function drawnLabels(
  items: readonly AnnotationItem[],
  boxes: readonly Rectangle[],
  settings: LabelSettings,
): DrawnLabel[] {
  const { width, height, lineWidth, fontSize, scores, colors } = settings;
  const order = items.map((_, index) => index).sort((a, b) => scoreOf(items[b]) - scoreOf(items[a]));
  const padding = fontSize * 0.38;
  const chipHeight = fontSize * 1.45;
  const texts = order.map((index) => {
    const item = items[index] as AnnotationItem;
    const score = scores && item.score !== undefined ? ` ${item.score.toFixed(2)}` : "";
    const room = Math.min(width - 2 * padding, fontSize * 30) - measure(score, fontSize);
    return room > fontSize ? fit(item.label, fontSize, room) + score : fit(item.label, fontSize, width - 2 * padding);
  });
  const requests = order.map((index, rank): LabelRequest => {
    const { x, y, width: across, height: down } = boxes[index] as Rectangle;
    const box: Box = [x, y, x + across, y + down];
    return { box, width: measure(texts[rank] as string, fontSize) + 2 * padding, height: chipHeight };
  });
  const places = placeLabels(requests, { width, height, lineWidth });
  return places
    .map((place, rank): DrawnLabel => {
      const color = colors.get((items[order[rank] as number] as AnnotationItem).colorKey) as Color;
      const y = place.y + (chipHeight + fontSize * CAPITAL_HEIGHT) / 2;
      const text = { x: place.x + padding, y, line: layoutLine(texts[rank] as string, fontSize) };
      return { ...place, color, ink: inkOn(color), fontSize, text };
    })
    .reverse();
}

function titleOf({ label, score }: AnnotationItem): string {
  return score === undefined ? label : `${label} ${score.toFixed(2)}`;
}

function scoreOf(item: AnnotationItem | undefined): number {
  return item?.score ?? 0;
}

function areaOf(box: Rectangle | undefined): number {
  return box === undefined ? 0 : box.width * box.height;
}
