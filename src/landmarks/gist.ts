/** What the network saw of a square, in little. */
export type Gist = {
  /** SHA-256 of the network's file, as landmark sets name it; undefined where that is not known. */
  network: string | undefined;
  /** Means of the embedding over 8 × 8 parts of the square, (C, 8, 8) in 127ths. */ means: Int8Array;
};

/**
 * Whether somebody in this page asks for gists, who gets results by himself: puppets do when they are made. Trackers of the
 * page have them made from then on.
 */
export const gistWish = { isThere: false };
