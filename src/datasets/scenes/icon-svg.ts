import type { IconStyle } from "./categories.ts";

/** An icon: `viewBox` is the square around what can be seen of it, `body` what stands in the `svg` element. */
export interface Icon {
  viewBox: string;
  body: string;
}

/** The icons of a style by the names of the icon sets. Half a megabyte of text in all: each style is read when it is drawn. */
export async function loadIcons(style: IconStyle): Promise<ReadonlyMap<string, Icon>> {
  const lines = await linesOf(style);
  return new Map(
    lines.map((line) => {
      const [name, viewBox, body] = line.split("\t") as [string, string, string];
      return [name, { viewBox, body }];
    }),
  );
}

async function linesOf(style: IconStyle): Promise<readonly string[]> {
  switch (style) {
    case "fluent":
      return (await import("./icons/fluent.ts")).icons;
    case "noto":
      return (await import("./icons/noto.ts")).icons;
    case "twemoji":
      return (await import("./icons/twemoji.ts")).icons;
  }
}

/** @param side in pixels */
export function iconSvg({ viewBox, body }: Icon, side: number): string {
  return (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ' +
    `width="${side}" height="${side}" viewBox="${viewBox}">${body}</svg>`
  );
}
