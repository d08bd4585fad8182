/** What the worker does that makes the batches: decodes, finds pairs of frames and their flow, renders views. */
import { DveError, InputError } from '../errors.ts';
import { sha256Hex } from '../model/sha256.ts';
import type { Batch, BatchMaker } from '../train/batch/batch.ts';
import { createBatchMaker } from '../train/batch/batch.ts';
import { countPairs, videoPool } from '../train/batch/sources.ts';
import type { TrainingConfig } from '../train/settings/config.ts';
import { describeData } from '../train/describe-data.ts';
import { roundFlow } from '../flow/rounding.ts';
import { toFramePair } from '../train/pairs/frame-pair.ts';
import { calibrationCrops, type CropSource } from '../train/model-files.ts';
import { disMethod, type FlowMethod } from '../flow/optical-flow.ts';
import { createPairPoolBuilder, type PairPool } from '../train/pairs/pair-pool.ts';
import { createPictureSet } from '../train/views/pictures.ts';
import { groupRecordings } from '../train/pairs/recordings.ts';
import { pairsOfReader, type PairCounts } from '../train/pairs/video-pairs.ts';
import { holdLock } from '../worker/hold-lock.ts';
import { expose, transfer } from '../worker/rpc.ts';
import { decodePictures } from './decode-pictures.ts';
import { loadMediabunny, openBlob } from './decode-videos.ts';
import type {
  BatchApi,
  DataWorkerApi,
  NamedFile,
  PreparedData,
  PrepareMessage,
  RemoteDecoder,
  SkippedFile,
} from './messages.ts';

/** A prepared training's data. */
type Ready = { config: TrainingConfig; source: CropSource; make: BatchMaker };

/** Flows as Node's cache gives them back, so that both train on the same. */
const roundedFlow = (): FlowMethod => {
  const { name, flow } = disMethod();
  return { name, flow: async (a, b) => roundFlow(await flow(a, b)) };
};

const byName = (files: readonly NamedFile[]): NamedFile[] =>
  // Plain code-unit order: the same on every machine, whatever its locale.
  [...files].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));

/** Why a video gave no pair. */
const reasonOf = ({ tooStill, tooFar }: PairCounts): string => {
  if (tooStill === 0 && tooFar === 0) return 'It has too few frames: two are needed, better a few seconds.';
  return tooStill >= tooFar
    ? 'Too little moves in it.'
    : 'It moves too fast from one frame to the next for the motion to be followed.';
};

type Told = { pair(pairs: number): Promise<void>; done(): Promise<void> };

type VideoOutcome = { pool: PairPool; videos: number; skipped: SkippedFile[] };

const pairUp = async (
  { config, videos, mediabunny }: PrepareMessage,
  decoder: RemoteDecoder,
  told: Told,
): Promise<VideoOutcome> => {
  const { videos: settings, seed, cropMargin } = config;
  const library =
    mediabunny === undefined || videos.length === 0 ? undefined : await loadMediabunny(mediabunny);
  const files = byName(videos);
  const perVideo = Math.max(1, Math.floor(settings.poolPairs / Math.max(1, files.length)));
  const { pairs: pairSettings } = settings;
  const capacity = perVideo * files.length;
  const builder = createPairPoolBuilder(
    files.map(({ name }) => name),
    capacity,
    pairSettings.side,
  );
  const method = roundedFlow();
  const skipped: SkippedFile[] = [];
  let [total, fruitful] = [0, 0];

  /** @returns pairs that it gave, and why there are no more, if so */
  const goThrough = async (video: number, file: NamedFile): Promise<{ order: number; reason?: string }> => {
    let order = 0;
    let counts: PairCounts | undefined;
    try {
      await using reader = await openBlob(file, pairSettings.maxSide, library, decoder);
      const found = pairsOfReader(file.name, reader, {
        method,
        settings: { ...pairSettings, pairsPerVideo: perVideo },
        seed,
        onCounts: (all) => {
          counts = all;
        },
      });
      for await (const pair of found) {
        builder.add(video, order++, toFramePair(pair, 'whole', settings, 1 / cropMargin));
        await told.pair(++total);
        if (order >= perVideo) break;
      }
    } catch (error) {
      if (!(error instanceof DveError)) throw error;
      return { order, reason: error.message };
    }
    return { order, ...(counts && { reason: reasonOf(counts) }) };
  };

  for (const [video, file] of files.entries()) {
    const { order, reason = 'It gave no pairs.' } = await goThrough(video, file);
    // What it gave before it broke off stays.
    if (order > 0) fruitful++;
    else skipped.push({ name: file.name, reason });
    await told.done();
  }
  const pool = builder.finish();
  return { pool: { ...pool, recordings: groupRecordings(pool) }, videos: fruitful, skipped };
};

const shortList = (skipped: readonly SkippedFile[]): string => {
  const shown = skipped.slice(0, 3).map(({ name, reason }) => `${name}: ${reason}`);
  return `${shown.join(' ')}${skipped.length > 3 ? ` And ${skipped.length - 3} more.` : ''}`;
};

/** @throws InputError in words that say what to do */
const requireData = (source: CropSource, config: TrainingConfig, skipped: readonly SkippedFile[]): void => {
  const pictures = source.set?.pictures.length ?? 0;
  const pairs = source.pools.reduce((sum, { pool }) => sum + pool.pairs.length, 0);
  if (pictures + pairs === 0) {
    throw new InputError(
      `None of the files can be trained on. ${shortList(skipped)} Add videos in which the object moves, or pictures.`,
    );
  }
  const { pairs: wanted } = config.batch;
  const needed = countPairs({ ...source, settings: config.batch }).fromPictures;
  if (pictures > 0 && pictures < needed) {
    throw new InputError(
      `A batch of ${wanted} pairs needs ${needed} different pictures and there are ${pictures}. Add pictures or videos, or lower batch.pairs.`,
    );
  }
};

export class DataService implements DataWorkerApi {
  #ready: Ready | undefined;

  hold(lockName: string): Promise<string> {
    return holdLock(lockName);
  }

  async prepare(
    message: PrepareMessage,
    decoder: RemoteDecoder,
    report: (progress: { done: number; total: number; pairs: number }) => Promise<void>,
  ): Promise<PreparedData> {
    const { config, videos } = message;
    const total = message.pictures.length + videos.length;
    const progress = { done: 0, total, pairs: 0 };
    const files = byName(message.pictures);
    let told = 0;
    const tell = async (): Promise<void> => {
      const now = performance.now();
      if (now - told < 100 && progress.done < total) return;
      told = now;
      await report({ ...progress });
    };
    const done = (): Promise<void> => {
      progress.done++;
      return tell();
    };
    const decoded = await decodePictures(files, done);
    const set = decoded.pictures.length > 0 ? createPictureSet(decoded.pictures) : undefined;
    const pair = (pairs: number): Promise<void> => {
      progress.pairs = pairs;
      return tell();
    };
    const paired = await pairUp(message, decoder, { pair, done });
    const { pool } = paired;
    const pools = pool.pairs.length > 0 ? [videoPool(pool, config.videos)] : [];
    const source: CropSource = { ...(set && { set }), pools };
    const skipped = [...decoded.skipped, ...paired.skipped];
    requireData(source, config, skipped);
    const make = createBatchMaker({ ...source, settings: config.batch, seed: config.seed });
    this.#ready = { config, source, make };
    const listed = byName(videos).map(({ name, content }) => ({ name, bytes: content.size }));
    const mode = `${listed.length > 0 ? 'full' : ''} false `;
    const text = new TextEncoder().encode(describeData(set, listed, mode, []));
    return {
      pictures: set?.pictures.length ?? 0,
      videos: paired.videos,
      pairs: pool.pairs.length,
      skipped,
      digest: (await sha256Hex(text)) ?? '',
    };
  }

  serve(port: MessagePort): void {
    expose(this.#batches(), port);
  }

  #prepared(): Ready {
    if (this.#ready === undefined) throw new InputError('there are no batches before the data is prepared.');
    return this.#ready;
  }

  #batches(): BatchApi {
    const send = (batch: Batch): Batch =>
      transfer(batch, [batch.images.buffer, batch.targets.buffer, batch.valid.buffer]);
    return {
      batch: (step) => send(this.#prepared().make(step)),
      sample: () => {
        const { config, source } = this.#prepared();
        return send(createBatchMaker({ ...source, settings: config.batch, seed: config.seed + 1 })(0));
      },
      calibration: () => {
        const { config, source } = this.#prepared();
        const crops = calibrationCrops(source, config);
        return transfer(crops, [crops.buffer]);
      },
    };
  }
}
