/** What stands at the beginning of something that is no weight file; undefined when nothing speaks against it. */
export function notWeights(head: Uint8Array): "a web page" | "a git-lfs pointer" | "an empty file" | undefined {
  if (head.length === 0) return "an empty file";
  const text = Buffer.from(head.subarray(0, 256))
    .toString("latin1")
    .replace(/^\u00ef\u00bb\u00bf/, "")
    .trimStart();
  if (text.startsWith("version https://git-lfs")) return "a git-lfs pointer";
  return text.startsWith("<") ? "a web page" : undefined;
}
