import sharp from "sharp";
import { beforeAll, describe, expect, it, test } from "vitest";
import { annotateScene } from "../../../src/datasets/scenes/annotate.ts";
import { composeScene } from "../../../src/datasets/scenes/compose/scene.ts";
import { layOut } from "../../../src/datasets/scenes/layout.ts";
import { Renderer } from "../../../src/datasets/scenes/render/renderer.ts";
import type { Scene } from "../../../src/datasets/scenes/scene.ts";
import { shapeNames } from "../../../src/datasets/scenes/shapes.ts";
import { sceneSplits } from "../../../src/datasets/scenes/splits.ts";
import { icon, scene, shape } from "./objects.ts";

const SIZE = 200;
let renderer: Renderer;
beforeAll(async () => void (renderer = await Renderer.open(SIZE)));

async function draw(drawn: Scene) {
  const { file, owner } = await renderer.render(drawn);
  const pixels = await sharp(file).raw().toBuffer();
  const at = (x: number, y: number) => [...pixels.subarray((y * SIZE + x) * 3, (y * SIZE + x) * 3 + 3)];
  return { at, owner, objects: annotateScene(drawn, owner, SIZE).objects };
}

const near = (color: number[], wanted: number[]) =>
  expect(Math.max(...color.map((value, at) => Math.abs(value - (wanted[at] as number))))).toBeLessThan(16);

describe("occlusion", () => {
  const square = shape("blue", "square", { x: 0.4, y: 0.5, extent: 0.5 });
  const circle = shape("red", "circle", { x: 0.65, y: 0.5, extent: 0.3 });

  it("gives the front object all of its pixels, and the one behind what is left", async () => {
    const { at, owner, objects } = await draw(scene(square, circle));
    near(at(130, 100), [220, 38, 38]);
    near(at(50, 100), [36, 89, 216]);
    near(at(10, 10), [128, 128, 128]);
    const [behind, front] = objects as [(typeof objects)[0], (typeof objects)[0]];
    expect(front.box).toEqual([100, 70, 160, 130]);
    expect(behind.box).toEqual([30, 50, 130, 150]);
    expect(front.area).toBeGreaterThan(0.98 * Math.PI * 30 * 30);
    expect(front.area).toBeLessThan(1.02 * Math.PI * 30 * 30);
    expect(behind.area).toBe(owner.filter((id) => id === 0).length);
    // The half of the circle that is left of x = 130 lies on the square.
    expect(behind.area).toBeGreaterThan(10_000 - 0.52 * front.area - 80);
    expect(behind.area).toBeLessThan(10_000 - 0.48 * front.area + 80);
  });

  it("changes with the order", async () => {
    const { at, objects } = await draw(scene(circle, square));
    near(at(120, 100), [36, 89, 216]);
    expect(objects[0]?.box[0]).toBe(130);
    expect(objects[1]?.area).toBeGreaterThan(9_900);
  });

  it("cuts boxes at the picture's edge", async () => {
    const { objects } = await draw(scene(shape("red", "square", { x: 0, y: 1, extent: 0.4 })));
    expect(objects[0]?.box).toEqual([0, 160, 40, 200]);
    // The square's corner is round.
    expect(objects[0]?.area).toBeGreaterThan(1595);
  });

  it("shows through a ring's hole what is behind it", async () => {
    const { objects } = await draw(
      scene(shape("red", "circle", { extent: 0.1 }), shape("blue", "ring", { extent: 0.4 })),
    );
    expect(objects[0]?.box).toEqual([90, 90, 110, 110]);
  });
});

it("turns clockwise, and mirrors before it turns", async () => {
  /** Where the middle of what is visible lies: a crescent's is left of the middle of its square. */
  const middle = async (where: object) => {
    const { owner } = await draw(scene(shape("black", "crescent", { extent: 0.6, ...where })));
    const pixels = Array.from(owner.keys()).filter((pixel) => owner[pixel] === 0);
    const mean = (of: (pixel: number) => number) =>
      pixels.reduce((sum, pixel) => sum + of(pixel), 0) / pixels.length - SIZE / 2 + 0.5;
    return [mean((pixel) => pixel % SIZE), mean((pixel) => Math.floor(pixel / SIZE))].map(Math.round).join();
  };
  const [left, none] = (await middle({})).split(",").map(Number) as [number, number];
  expect(left).toBeLessThan(-10);
  expect(Math.abs(none)).toBe(0);
  expect(await middle({ turn: 90 })).toBe(`0,${left}`);
  expect(await middle({ turn: 180 })).toBe(`${-left},0`);
  expect(await middle({ flip: true })).toBe(`${-left},0`);
  expect(await middle({ flip: true, turn: 90 })).toBe(`0,${-left}`);
});

test("sentences are decided on what the pictures show", async () => {
  for (const split of sceneSplits)
    for (let index = 0; index < 6; index++) {
      const drawn = composeScene({ split, seed: 3, index });
      const { objects } = await draw(drawn);
      for (const [id, { box, area }] of layOut(drawn.objects).entries()) {
        const found = objects[id] as (typeof objects)[0];
        expect(Math.abs(found.area / SIZE ** 2 - area)).toBeLessThan(0.002 + 0.1 * area);
        box.forEach((value, side) => expect(Math.abs((found.box[side] as number) / SIZE - value)).toBeLessThan(0.035));
      }
    }
});

test.each(shapeNames)("a %s has its colour inside and its line around", async (name) => {
  const lined = shape("green", name, { extent: 0.8, outline: "#ffffff" });
  const { at, owner } = await draw(scene(lined));
  const pixels = Array.from(owner.keys()).filter((pixel) => owner[pixel] === 0);
  const share = (wanted: number[]) =>
    pixels.filter((pixel) =>
      at(pixel % SIZE, Math.floor(pixel / SIZE)).every(
        (value, channel) => Math.abs(value - (wanted[channel] as number)) < 40,
      ),
    ).length / pixels.length;
  expect(share([47, 158, 54])).toBeGreaterThan(0.4);
  expect(share([255, 255, 255])).toBeGreaterThan(0.05);
});

it("draws icons of every style", async () => {
  for (const style of ["fluent", "noto", "twemoji"] as const) {
    const { objects } = await draw(scene(icon("cat", { style, extent: 0.5 })));
    const [x1, y1, x2, y2] = (objects[0] as (typeof objects)[0]).box;
    expect(Math.max(x2 - x1, y2 - y1)).toBeGreaterThan(96);
    expect(Math.max(x2 - x1, y2 - y1)).toBeLessThan(102);
  }
});

it("adds noise, blur and clutter without touching the masks", async () => {
  const plain = scene(icon("dog", { extent: 0.5 }));
  const finish = { brightness: 0.1, contrast: 0.8, noise: 0.05, blur: 0.005, quality: 40 };
  const stroke = {
    kind: "stroke" as const,
    points: [
      [0, 0],
      [1, 1],
    ] as [number, number][],
    width: 0.03,
    color: "#ff0000",
    opacity: 1,
  };
  const [before, after] = [await draw(plain), await draw({ ...plain, finish, clutter: [stroke] })];
  expect(after.objects).toEqual(before.objects);
  expect(after.at(10, 10)[0]).toBeGreaterThan((after.at(10, 10)[1] as number) + 80);
  expect(after.at(190, 10)).not.toEqual(before.at(190, 10));
});
