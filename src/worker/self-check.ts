import type { Roi } from '../geometry/roi.ts';
import type { Engine } from './engine.ts';

/** Side of the picture that the check looks at, pixels. */
const pictureSize = 256;

/**
 * Soft noise without any period, the same everywhere: in it no two places look alike to a network.
 * A sum of waves whose lengths have no common multiple.
 */
const drawPicture = (): Uint8ClampedArray<ArrayBuffer> => {
  const pixels = new Uint8ClampedArray(pictureSize * pictureSize * 4);
  for (let row = 0; row < pictureSize; row++) {
    for (let column = 0; column < pictureSize; column++) {
      const [x, y] = [column / pictureSize, row / pictureSize];
      const wave = (a: number, b: number, phase: number): number => Math.sin(a * x + b * y + phase);
      const red = wave(7.1, 3.3, 0) + wave(-13.7, 19.1, 1) + wave(31.3, 11.9, 2);
      const green = wave(4.7, -9.1, 3) + wave(17.3, 14.3, 4) + wave(-21.7, 33.1, 5);
      const blue = wave(-5.9, 6.7, 6) + wave(15.1, -20.3, 7) + wave(26.9, 29.7, 8);
      const at = (row * pictureSize + column) * 4;
      pixels.set([128 + 40 * red, 128 + 40 * green, 128 + 40 * blue, 255], at);
    }
  }
  return pixels;
};

const createPicture = (): VideoFrame =>
  new VideoFrame(drawPicture(), {
    format: 'RGBA',
    codedWidth: pictureSize,
    codedHeight: pictureSize,
    timestamp: 0,
  });

/** A square like any other: turned, reduced, between the pixels. */
const square: Roi = { center: { x: 127.3, y: 130.9 }, size: 170.7, rotation: 0.3 };

/** References that are certainly in the picture: the embeddings of 5 × 5 of its own cells. @returns (25, C) */
const ownReferences = async (judge: Engine, picture: VideoFrame): Promise<Float32Array> => {
  const { inputSize, stride, embeddingSize } = judge.manifest;
  const cells = inputSize / stride;
  const map = await judge.embedSquare(picture, square);
  const references = new Float32Array(25 * embeddingSize);
  for (let i = 0; i < 25; i++) {
    const column = Math.floor(((i % 5) + 0.5) * (cells / 5));
    const row = Math.floor((Math.floor(i / 5) + 0.5) * (cells / 5));
    for (let c = 0; c < embeddingSize; c++) {
      references[i * embeddingSize + c] = map[(c * cells + row) * cells + column];
    }
  }
  return references;
};

/** Greatest differences of two answers: of positions in crop pixels, of confidences. */
const differenceOf = (a: Float32Array, b: Float32Array): { position: number; confidence: number } => {
  let [position, confidence] = [0, 0];
  for (let i = 0; i < a.length; i += 3) {
    position = Math.max(position, Math.hypot(a[i] - b[i], a[i + 1] - b[i + 1]));
    confidence = Math.max(confidence, Math.abs(a[i + 2] - b[i + 2]));
  }
  return { position, confidence };
};

/** Best of a few runs: others on the machine only ever add time. @returns milliseconds */
const timeOf = async (run: () => Promise<unknown>, runs: number): Promise<number> => {
  let best = Infinity;
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    await run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
};

/** Greatest difference that rounding explains: crop pixels, and confidence. */
const tolerance = { position: 0.25, confidence: 0.02 };

export type Verdict = { isBetter: true } | { isBetter: false; reason: string };

/**
 * Whether one engine gives the same landmarks as another and is faster than a third.
 * @param judge what says which landmarks are right
 * @param rival what would be used instead
 */
export const compareEngines = async ({
  candidate,
  judge,
  rival,
}: Record<'candidate' | 'judge' | 'rival', Engine>): Promise<Verdict> => {
  const picture = createPicture();
  try {
    const references = await ownReferences(judge, picture);
    const match = (engine: Engine) => () => engine.matchSquare(picture, square, references);
    const expected = await match(judge)();
    const found = await match(candidate)();
    const { position, confidence } = differenceOf(expected, found);
    if (!(position <= tolerance.position && confidence <= tolerance.confidence)) {
      return {
        isBetter: false,
        reason: `WebGPU gives other landmarks than wasm here (by ${position.toFixed(2)} crop pixels, ${confidence.toFixed(2)} of confidence)`,
      };
    }
    const candidateTime = await timeOf(match(candidate), 5);
    // The first run of a session is slower than all others.
    const rivalTime = await timeOf(match(rival), 4);
    if (candidateTime < rivalTime) return { isBetter: true };
    return {
      isBetter: false,
      reason: `WebGPU is slower than wasm here (${candidateTime.toFixed(1)} against ${rivalTime.toFixed(1)} ms)`,
    };
  } finally {
    picture.close();
  }
};
