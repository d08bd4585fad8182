/** What a network makes of a batch: points of one picture sought in others. */
import { cellCenter } from '../../geometry/coordinates.ts';
import type { EmbeddingMap } from '../../landmarks/matching.ts';
import { matchReferences, sampleEmbedding } from '../../landmarks/matching.ts';
import type { Batch } from '../batch/batch.ts';
import type { TrainingConfig } from '../settings/config.ts';
import type { TrainingRuntime } from '../step/engine.ts';
import { networkStride } from '../network/networks.ts';

/** Points of one picture found in another view of it, and in another instance. Crop pixels. */
export type SampleMatch = {
  /** (S, S, 3) bytes each: the source view, another view of it, another instance. */ pictures: [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  /** The points, and where they were found in each picture: (3)(P) of [x, y]. */ points: [
    number,
    number,
  ][][];
  /** Where the warp says they are in the second picture; undefined where it is not known. */
  truth: ([number, number] | undefined)[];
};

/** Points per side of the sample grid. */
const sampleSide = 5;

/** (3, S, S) 0–1 to (S, S, 3) bytes. */
const toBytes = (image: Float32Array): Uint8Array => {
  const area = image.length / 3;
  const rgb = new Uint8Array(image.length);
  for (let i = 0; i < area; i++) {
    for (let channel = 0; channel < 3; channel++) {
      rgb[3 * i + channel] = Math.round(255 * Math.min(1, Math.max(0, image[channel * area + i])));
    }
  }
  return rgb;
};

/**
 * Matches a grid of points of some pairs of a batch with the network as it is exported.
 * @param network bytes of the fp32 tracking network
 */
export const sampleMatches = async (
  runtime: TrainingRuntime,
  network: Uint8Array,
  config: TrainingConfig,
  batch: Batch,
  count = 4,
): Promise<SampleMatch[]> => {
  const size = config.batch.inputSize;
  const { pairs, queryGrid } = config.batch;
  const { embeddingSize } = config.network;
  const session = await runtime.InferenceSession.create(network, runtime.sessionOptions);
  const { Tensor } = runtime;
  const imageAt = (index: number): Float32Array =>
    batch.images.slice(index * 3 * size * size, (index + 1) * 3 * size * size);
  const references = new Tensor('float32', new Float32Array(embeddingSize), [1, embeddingSize]);
  const embed = async (image: Float32Array): Promise<EmbeddingMap> => {
    const outputs = await session.run({
      image: new Tensor('float32', image, [1, 3, size, size]),
      references,
    });
    const side = size / networkStride;
    const data = Float32Array.from(outputs.embedding.data as Float32Array);
    return { data, channels: embeddingSize, height: side, width: side, stride: networkStride };
  };
  // Query cells in the middle of the source view, evenly spaced.
  const cellOf = (i: number): number => Math.floor(((i + 1) * queryGrid) / (sampleSide + 1));
  const queries = Array.from({ length: sampleSide ** 2 }, (_, i) => ({
    column: cellOf(i % sampleSide),
    row: cellOf(Math.floor(i / sampleSide)),
  }));
  const samples: SampleMatch[] = [];
  try {
    for (let n = 0; n < Math.min(count, pairs); n++) {
      const images = [imageAt(n), imageAt(pairs + n), imageAt(pairs + ((n + 1) % pairs))];
      const [source, view, other] = await Promise.all(images.map(embed));
      const centers = queries.map(({ column, row }) => cellCenter(column, row, size / queryGrid));
      const vectors = new Float32Array(centers.length * embeddingSize);
      centers.forEach((center, i) => {
        vectors.set(sampleEmbedding(source, center), i * embeddingSize);
      });
      const found = (map: EmbeddingMap): [number, number][] => {
        const matches = matchReferences(map, vectors, config.head);
        return centers.map((_, i) => [matches[3 * i], matches[3 * i + 1]]);
      };
      const truth = queries.map(({ column, row }): [number, number] | undefined => {
        const q = n * queryGrid * queryGrid + row * queryGrid + column;
        return batch.valid[q] > 0 ? [batch.targets[2 * q], batch.targets[2 * q + 1]] : undefined;
      });
      const [a, b, c] = images.map(toBytes);
      const starts = centers.map(({ x, y }): [number, number] => [x, y]);
      samples.push({ pictures: [a, b, c], points: [starts, found(view), found(other)], truth });
    }
  } finally {
    await session.release();
  }
  return samples;
};
