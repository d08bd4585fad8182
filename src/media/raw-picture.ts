/** A decoded picture by itself: interleaved RGB, width · height · 3 bytes. */
export type RawPicture = { file: string; width: number; height: number; rgb: Uint8Array };

/** Which pictures are worth training on, pixels: larger ones are scaled down, smaller ones skipped. */
export const pictureLimits = {
  /** Longer side at most. */ maxSide: 320,
  /** Shorter side at least. */ minSide: 32,
};

/** (H, W, 4) RGBA to (H, W, 3) RGB. */
export const dropAlpha = (rgba: Uint8Array | Uint8ClampedArray): Uint8Array => {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    rgb[to] = rgba[from];
    rgb[to + 1] = rgba[from + 1];
    rgb[to + 2] = rgba[from + 2];
  }
  return rgb;
};
