/** The vertices of the rig that a mesh has kept. */
export const keptVertices = (neutral: Float32Array, all: Float32Array): number[] =>
  Array.from({ length: neutral.length / 3 }, (_, v) => {
    let [best, least] = [0, Infinity];
    for (let r = 0; 3 * r < all.length; r++) {
      const away =
        (all[3 * r] - neutral[3 * v]) ** 2 +
        (all[3 * r + 1] - neutral[3 * v + 1]) ** 2 +
        (all[3 * r + 2] - neutral[3 * v + 2]) ** 2;
      if (away < least) [best, least] = [r, away];
    }
    return best;
  });
