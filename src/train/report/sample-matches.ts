/** What a network makes of a batch: points of one picture sought in others. */
import { cellCenter } from '../../geometry/coordinates.ts';
import { embedPoints } from '../../landmarks/embed-points.ts';
import { createModel, type Runtime } from '../../model/model.ts';
import type { Batch } from '../batch/batch.ts';
import type { TrainingConfig } from '../settings/config.ts';
import { manifestFields } from '../model-files.ts';

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
  runtime: Runtime,
  network: Uint8Array,
  config: TrainingConfig,
  batch: Batch,
  count = 4,
): Promise<SampleMatch[]> => {
  const size = config.batch.inputSize;
  const { pairs, queryGrid } = config.batch;
  const model = await createModel(runtime, {
    manifest: manifestFields(config),
    bytes: network,
    where: 'the network in training',
  });
  const imageAt = (index: number): Float32Array =>
    batch.images.slice(index * 3 * size * size, (index + 1) * 3 * size * size);
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
      const centers = queries.map(({ column, row }) => cellCenter(column, row, size / queryGrid));
      const references = await embedPoints(model, images[0], centers);
      const found = async (image: Float32Array): Promise<[number, number][]> => {
        const matches = await model.match(image, references);
        return centers.map((_, i) => [matches[3 * i], matches[3 * i + 1]]);
      };
      const truth = queries.map(({ column, row }): [number, number] | undefined => {
        const q = n * queryGrid * queryGrid + row * queryGrid + column;
        return batch.valid[q] > 0 ? [batch.targets[2 * q], batch.targets[2 * q + 1]] : undefined;
      });
      const [a, b, c] = images.map(toBytes);
      const starts = centers.map(({ x, y }): [number, number] => [x, y]);
      samples.push({
        pictures: [a, b, c],
        points: [starts, await found(images[1]), await found(images[2])],
        truth,
      });
    }
  } finally {
    await model.close();
  }
  return samples;
};
