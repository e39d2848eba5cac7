/** A configuration of the engine native that trains in seconds, and is too small to learn anything. */
export const tinyModel = {
  swin: { width: 16, depths: [1, 1, 1, 1], heads: [1, 2, 4, 4], window: 4, drop_path: 0 },
  fpn: { channels: 32, drop_block: 0 },
  text: { width: 32, layers: 1, heads: 2, hidden: 64, dropout: 0 },
  fusion: { width: 64, heads: 2, dropout: 0 },
  head: { blocks: 1 },
  input: { short_side: 96, long_side: 128 },
  postprocess: { threshold: 0.001 },
};
