import { createRandom } from '../../augment/random.ts';
import { correspondLandmarks } from '../pairs/landmark-pairs.ts';
import type { BatchSettings } from '../settings/batch-settings.ts';
import { correspond, createWarpSampler } from '../views/warps.ts';
import { createClutter } from './clutter.ts';
import { createBatchSources } from './sources.ts';
import type { BatchMakerOptions } from './sources.ts';
import { createStepItems } from './step-items.ts';
import { createViewRenderer } from './view-renderer.ts';

export type Batch = {
  /** (2·N + K, 3, S, S) planar RGB 0–1: N source views, N target views, K background crops. */
  images: Float32Array;
  /**
   * (N, Q, 2): where the centre of each source query cell lies in the target view, crop pixels of the target, xy.
   * Q = queryGrid², row-major; query cells have centres cellCenter(c, r, S / queryGrid).
   */
  targets: Float32Array;
  /**
   * (N, Q): how much each correspondence counts. 0 where it is not real (outside a picture or the target crop,
   * occluded, its flow unknown), else 1; less for still parts of video frames, more for what deforms in them.
   */
  valid: Float32Array;
  /** (N, Q): likewise for cells on annotated landmarks, which `valid` leaves out; only where there are annotations. */
  annotated?: Float32Array;
};

/** Makes the batch of a step: a pure function of the step and of what the maker was made with. */
export type BatchMaker = (step: number) => Batch;

/** Streams of a pair's random numbers. */
const pairStreams = { views: 0, source: 1, target: 2, backdrop: 3 };

/** Streams of random numbers: one per purpose, so that a new draw in one leaves the others alone. */
const streams = { pair: 1, background: 2 };

const emptyBatch = (settings: BatchSettings, hasAnnotated: boolean): Batch => {
  const { inputSize, pairs, queryGrid, backgrounds } = settings;
  const queries = pairs * queryGrid * queryGrid;
  return {
    images: new Float32Array((2 * pairs + backgrounds) * 3 * inputSize * inputSize),
    targets: new Float32Array(queries * 2),
    valid: new Float32Array(queries),
    ...(hasAnnotated && { annotated: new Float32Array(queries) }),
  };
};

/** Item `index` of a flat row of items of one length; shares its memory. */
const part = (values: Float32Array, index: number, length: number): Float32Array =>
  values.subarray(index * length, (index + 1) * length);

/** @throws InputError where a batch has more pairs than there are pictures, or there is nothing to make them from */
export const createBatchMaker = (options: BatchMakerOptions): BatchMaker => {
  const { settings, seed } = options;
  const { inputSize, pairs, queryGrid, backgrounds } = settings;
  const queries = queryGrid * queryGrid;
  const sources = createBatchSources(options);
  const itemsOf = createStepItems(sources.items);
  const warps = createWarpSampler(inputSize, settings.geometric);
  const clutter = createClutter(sources.scenery, settings);
  const renderView = createViewRenderer(settings, clutter);

  return (step) => {
    const batch = emptyBatch(settings, sources.hasAnnotated);
    const imageAt = (index: number): Float32Array => part(batch.images, index, 3 * inputSize * inputSize);
    itemsOf(step).forEach((item, n) => {
      const random = createRandom(seed, streams.pair, step, n);
      const { set, base, landmarks, between, backdrop, ...pictures } = sources.shownBy(item);
      // Two pictures may differ in size: the same draw, each on its own scale.
      const [sourceMap] = warps.drawPair({ ...pictures.source, base }, random.split(pairStreams.views));
      const [, targetMap] = warps.drawPair({ ...pictures.target, base }, random.split(pairStreams.views));
      const isMoved = backdrop !== undefined && random.split(pairStreams.backdrop).chance(backdrop.share);
      const [sourceMatte, targetMatte] = isMoved ? backdrop.mattes : [];
      const source = renderView(
        { set, picture: pictures.source, map: sourceMap, matte: sourceMatte },
        imageAt(n),
        random.split(pairStreams.source),
      );
      const target = renderView(
        { set, picture: pictures.target, map: targetMap, matte: targetMatte },
        imageAt(pairs + n),
        random.split(pairStreams.target),
      );
      const targets = part(batch.targets, n, 2 * queries);
      if (landmarks && batch.annotated) {
        const counts = part(batch.annotated, n, queries);
        correspondLandmarks(source, target, landmarks, queryGrid, targets, counts);
      } else {
        correspond(source, target, queryGrid, targets, part(batch.valid, n, queries), between);
      }
    });
    for (let k = 0; k < backgrounds; k++) {
      clutter.paintBackground(imageAt(2 * pairs + k), createRandom(seed, streams.background, step, k));
    }
    return batch;
  };
};
