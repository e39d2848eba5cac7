import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import type { ResolvedImage } from "../../../src/images/source.ts";
import { Detections } from "../../../src/tasks/results/detections.ts";
import type { MediaBundle } from "../../../src/tasks/results/pictured.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { encoded, plainPNG } from "../../support/pictures.ts";

const data = {
  width: 600,
  height: 500,
  categories: ["person", "dog"],
  passes: 1,
  objects: [
    { label: "dog", category: 1, score: 0.913, box: [100, 200, 300.26, 400] as const },
    { label: "person", category: 0, score: 0.4, box: [10, 10, 90, 490] as const },
  ],
};
const png = await plainPNG(600, 500, "#808080");
const seen = (picture: ResolvedImage = encoded(png)): Detections => new Detections({ ...data, picture });
const display = (result: Detections): Promise<MediaBundle> =>
  (result as unknown as Record<symbol, () => Promise<MediaBundle>>)[Symbol.for("Jupyter.display")]?.() ??
  Promise.reject(new Error("none"));

describe("detections", () => {
  it("are iterated over, and have their data as JSON, without the picture", () => {
    expect([...seen()]).toEqual(data.objects);
    expect(JSON.parse(JSON.stringify(seen()))).toEqual(data);
  });

  it("are printed so that they can be read", () => {
    const text = "Detections 600x500: 2 objects\n  dog 0.91 [100, 200, 300.3, 400]\n  person 0.40 [10, 10, 90, 490]";
    expect(inspect(seen())).toBe(text);
    expect(String(seen())).toBe(text);
    const many = Array.from({ length: 25 }, () => data.objects[0] as (typeof data.objects)[0]);
    expect(String(new Detections({ ...data, objects: many, picture: encoded(png) }))).toMatch(/\n {2}… and 5 more$/);
    expect(String(new Detections({ ...data, objects: [], picture: encoded(png) }))).toBe(
      "Detections 600x500: 0 objects",
    );
  });

  it("draw themselves as SVG, with the picture or without", async () => {
    expect(await seen().draw()).toMatch(
      /<image width="600" height="500" [^>]*href="data:image\/(jpeg|png);base64,[\s\S]*<title>dog 0.91</,
    );
    expect(await seen().draw({ picture: false, minScore: 0.5 })).not.toMatch(/<image|person/);
    const reason = new Error("enough");
    await expect(seen().draw({ signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
      code: "cancelled",
      cause: reason,
    });
  });

  it("draw themselves as the bytes of a picture", async () => {
    for (const format of ["png", "jpeg", "webp"] as const) {
      const drawn = await seen().encode(format, { size: 480 });
      expect(await sharp(drawn).metadata()).toMatchObject({ format, width: 480, height: 400 });
    }
    expect((await sharp(await seen().encode()).metadata()).format).toBe("png");
    const unknown = seen().encode("gif" as "png");
    await expect(unknown).rejects.toMatchObject({ code: "invalid_argument", details: { path: "format" } });
    await expect(seen().encode("png", { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "cancelled" });
  });

  it("show themselves in a notebook as a picture of its width", async () => {
    const { "image/jpeg": drawn = "", "text/plain": plain } = await display(seen());
    expect(plain).toMatch(/^Detections 600x500/);
    expect(await sharp(Buffer.from(drawn, "base64")).metadata()).toMatchObject({
      format: "jpeg",
      width: 600,
      height: 500,
    });
    const large = new Detections({ ...data, width: 3000, height: 2000, picture: encoded(await plainPNG(3000, 2000)) });
    const { "image/jpeg": small = "" } = await display(large);
    expect(await sharp(Buffer.from(small, "base64")).metadata()).toMatchObject({ width: 1000, height: 667 });
  });

  it("show their boxes in a notebook when the picture is gone", async () => {
    const bundle = await display(seen({ path: "/nowhere/a.png" }));
    expect(bundle["image/svg+xml"]).toMatch(/^<svg /);
    expect(bundle["text/plain"]).toContain("Cannot draw on /nowhere/a.png");
  });
});

describe("saving", () => {
  it.each([
    ["png", "png"],
    ["jpg", "jpeg"],
    ["JPEG", "jpeg"],
    ["webp", "webp"],
  ])("writes .%s", async (ending, format) => {
    const file = join(temporaryFolder(), `a.${ending}`);
    expect(await seen().save(file)).toBe(file);
    expect(await sharp(file).metadata()).toMatchObject({ format, width: 600, height: 500 });
  });

  it("writes .svg, takes a URL, replaces what is there, and leaves nothing beside it", async () => {
    const folder = temporaryFolder();
    const file = join(folder, "a.svg");
    writeFileSync(file, "old");
    expect(await seen().save(pathToFileURL(file), { labels: false })).toBe(file);
    expect(readFileSync(file, "utf8")).toMatch(/^<svg /);
    expect(readdirSync(folder)).toEqual(["a.svg"]);
    expect((await sharp(file).metadata()).width).toBe(600);
  });

  it("refuses other endings", async () => {
    for (const name of ["a.gif", "a", ".png", "a.png.txt"]) {
      await expect(seen().save(join(temporaryFolder(), name))).rejects.toMatchObject({
        code: "invalid_argument",
        message: `file: expected a file ending in .png, .jpg, .jpeg, .webp, .svg, got ${JSON.stringify(name)}`,
      });
    }
  });

  it("makes no folders, and says so", async () => {
    const folder = join(temporaryFolder(), "new");
    await expect(seen().save(join(folder, "a.png"))).rejects.toMatchObject({
      code: "file_error",
      message: `Cannot write ${join(folder, "a.png")}: the folder ${folder} does not exist; make it first.`,
    });
    expect(existsSync(folder)).toBe(false);
  });

  it("does not write over the picture itself, nor where a folder is", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "a.png");
    writeFileSync(path, png);
    symlinkSync(path, join(folder, "link.png"));
    for (const name of ["a.png", "link.png"]) {
      await expect(seen({ path }).save(join(folder, name))).rejects.toMatchObject({ code: "invalid_argument" });
    }
    expect(readFileSync(path)).toEqual(png);
    mkdirSync(join(folder, "folder.png"));
    await expect(seen().save(join(folder, "folder.png"))).rejects.toMatchObject({ code: "file_error" });
    await expect(seen().save(join(path, "b.png"))).rejects.toMatchObject({
      code: "file_error",
      message: /is not a folder/,
    });
    expect(readdirSync(folder).sort()).toEqual(["a.png", "folder.png", "link.png"]);
  });

  it("is cancelled by its signal, and writes nothing", async () => {
    const folder = temporaryFolder();
    const controller = new AbortController();
    const saving = seen().save(join(folder, "a.png"), { signal: controller.signal });
    controller.abort();
    await expect(saving).rejects.toMatchObject({ code: "cancelled" });
    expect(readdirSync(folder)).toEqual([]);
  });
});
