import { cropToImage, type Roi } from '../geometry/roi.ts';
import type { Model } from '../model/model.ts';

/** Side of the picture that the check looks at, pixels. */
export const pictureSize = 256;

/**
 * Soft noise without any period, the same everywhere: in it no two places look alike to a network.
 * A sum of waves whose lengths have no common multiple.
 * @param x picture pixels, from the centre of the first one
 * @returns red, green and blue, 0–255
 */
const colorAt = (x: number, y: number): [number, number, number] => {
  const wave = (a: number, b: number, phase: number): number =>
    Math.sin((a * x + b * y) / pictureSize + phase);
  const red = wave(7.1, 3.3, 0) + wave(-13.7, 19.1, 1) + wave(31.3, 11.9, 2);
  const green = wave(4.7, -9.1, 3) + wave(17.3, 14.3, 4) + wave(-21.7, 33.1, 5);
  const blue = wave(-5.9, 6.7, 6) + wave(15.1, -20.3, 7) + wave(26.9, 29.7, 8);
  return [128 + 40 * red, 128 + 40 * green, 128 + 40 * blue];
};

export const drawPicture = (): Uint8ClampedArray<ArrayBuffer> => {
  const pixels = new Uint8ClampedArray(pictureSize * pictureSize * 4);
  for (let i = 0; i < pictureSize * pictureSize; i++) {
    pixels.set([...colorAt(i % pictureSize, Math.floor(i / pictureSize)), 255], 4 * i);
  }
  return pixels;
};

const asFrame = (pixels: Uint8ClampedArray<ArrayBuffer>): VideoFrame =>
  new VideoFrame(pixels, {
    format: 'RGBA',
    codedWidth: pictureSize,
    codedHeight: pictureSize,
    timestamp: 0,
  });

/** A square like any other: turned, reduced, between the pixels. */
export const square: Roi = { center: { x: 127.3, y: 130.9 }, size: 170.7, rotation: 0.3 };

/**
 * The square as a model on wasm takes it: the noise is known everywhere, so that nothing has to be cut out. A crop of the
 * picture differs from it by about what rounding to bytes does.
 * @returns (1, 3, S, S) planar RGB, 0–1
 */
export const drawSquare = (inputSize: number): Float32Array => {
  const plane = inputSize * inputSize;
  const crop = new Float32Array(3 * plane);
  for (let i = 0; i < plane; i++) {
    const inCrop = { x: (i % inputSize) + 0.5, y: Math.floor(i / inputSize) + 0.5 };
    const { x, y } = cropToImage(inCrop, square, inputSize);
    colorAt(x - 0.5, y - 0.5).forEach((value, channel) => {
      crop[i + channel * plane] = Math.min(Math.max(value / 255, 0), 1);
    });
  }
  return crop;
};

/** References that are certainly in the picture: the embeddings of 5 × 5 of its own cells. @returns (25, C) */
const ownReferences = async (judge: Model, crop: Float32Array): Promise<Float32Array> => {
  const { inputSize, stride, embeddingSize } = judge.manifest;
  const cells = inputSize / stride;
  const map = await judge.embed(crop);
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

/** What is compared: an engine with two models on wasm. */
export type Contest = {
  /** As `Engine` has it. */
  candidate: {
    matchSquare(frame: VideoFrame, roi: Roi, references: Float32Array): Promise<Float32Array>;
  };
  /** What says which landmarks are right. */ judge: Model;
  /** What would be used instead. */ rival: Model;
};

/**
 * Whether an engine gives the same landmarks as one model, crop and network, and is faster than the network of another.
 * What cropping takes on the CPU, a fraction of the network's time, is not counted: in doubt wasm stays.
 */
export const compareEngines = async ({ candidate, judge, rival }: Contest): Promise<Verdict> => {
  const crop = drawSquare(judge.manifest.inputSize);
  const frame = asFrame(drawPicture());
  try {
    const references = await ownReferences(judge, crop);
    const matchOn = (model: Model): Promise<Float32Array> => model.match(crop, references);
    const matchFrame = (): Promise<Float32Array> => candidate.matchSquare(frame, square, references);
    const { position, confidence } = differenceOf(await matchOn(judge), await matchFrame());
    if (!(position <= tolerance.position && confidence <= tolerance.confidence)) {
      return {
        isBetter: false,
        reason: `WebGPU gives other landmarks than wasm here (by ${position.toFixed(2)} crop pixels, ${confidence.toFixed(2)} of confidence)`,
      };
    }
    const candidateTime = await timeOf(matchFrame, 5);
    // The first run of a session is slower than all others.
    const rivalTime = await timeOf(() => matchOn(rival), 4);
    if (candidateTime < rivalTime) return { isBetter: true };
    return {
      isBetter: false,
      reason: `WebGPU is slower than wasm here (${candidateTime.toFixed(1)} against ${rivalTime.toFixed(1)} ms)`,
    };
  } finally {
    frame.close();
  }
};
