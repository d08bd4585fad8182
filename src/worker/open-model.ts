import { DeviceError, ModelError } from '../errors.ts';
import type { LandmarkSet } from '../landmarks/landmark-set.ts';
import type { Manifest } from '../model/manifest.ts';
import { fetchManifest, type ModelUrls } from '../model/model-web.ts';
import { chooseEngine } from './choose-engine.ts';
import type { Engine } from './engine.ts';
import type { ChosenEngine } from './engine-context.ts';
import { explained, fetchExplained } from './explained.ts';
import type { DeviceChoice, LandmarkText, ModelInfo, OpenMessage } from './messages.ts';
import type { PartUrls } from './part-urls.ts';
import { bringParts } from './parts-on-demand.ts';

const modelUrls =
  ({ urls, folder }: OpenMessage['model']): ModelUrls =>
  (name) => {
    if (name in urls) return urls[name];
    if (folder !== '') return new URL(name, folder).href;
    throw new ModelError(`the model option has no file "${name}". Pass all files of the model directory.`);
  };

/** One engine, and whether its device is still there. It is closed as soon as that is lost: nobody can use it any more. */
type Running = ChosenEngine & { lost: { reason: string | undefined } };

const running = (chosen: ChosenEngine): Running => {
  const lost: Running['lost'] = { reason: undefined };
  void chosen.engine.lost.then((reason) => {
    lost.reason = reason;
    // What closing a lost device throws is of no interest.
    return chosen.engine.close().catch(() => undefined);
  });
  return { ...chosen, lost };
};

/** The loss of a GPU is told a little after the first call that fails because of it. */
const lossIsKnown = async ({ engine, lost }: Running): Promise<void> => {
  const tries = engine.device === 'webgpu' ? 10 : 0;
  for (let i = 0; i < tries && lost.reason === undefined; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

type Opening = {
  manifest: Manifest;
  urls: ModelUrls;
  parts: PartUrls;
  /** What the page asked for. */ device: DeviceChoice;
  choose: (device: DeviceChoice) => Promise<ChosenEngine>;
};

/** A model that is open for all who use it. When its GPU is lost it goes on, on wasm, where the device was ours to choose. */
export class OpenModel {
  readonly #opening: Opening;
  #running: Running;
  #replacing: Promise<Engine> | undefined;
  #own: Promise<LandmarkSet | undefined> | undefined;

  private constructor(opening: Opening, chosen: ChosenEngine) {
    this.#opening = opening;
    this.#running = running(chosen);
  }

  /** @throws ModelError when its files cannot be used; DeviceError when the asked-for device cannot be had */
  static async open({ model, runtime, parts, device, precision }: OpenMessage): Promise<OpenModel> {
    const urls = modelUrls(model);
    const manifest = await fetchManifest(urls, (value, url) =>
      explained(parts, (by) => by.parseManifest(value, url)),
    );
    const choose = (wanted: DeviceChoice): Promise<ChosenEngine> =>
      chooseEngine({ urls, manifest, runtime, parts, device: wanted, precision });
    return new OpenModel({ manifest, urls, parts, device, choose }, await choose(device));
  }

  /** What runs now. */
  get engine(): Engine {
    return this.#running.engine;
  }

  /** What else of the worker can be loaded. */
  get parts(): PartUrls {
    return this.#opening.parts;
  }

  /** What it is and where it runs now. */
  get info(): Omit<ModelInfo, 'startupMs'> {
    const { engine, threads, note } = this.#running;
    const { category, inputSize, stride, embeddingSize, files } = this.#opening.manifest;
    return {
      ...{ device: engine.device, precision: engine.precision, threads, deviceNote: note },
      ...{ category, inputSize, stride, embeddingSize },
      hasLandmarks: files.landmarks !== undefined,
    };
  }

  /** The landmarks that lie with the model, by which its objects are found; fetched once, when first needed. */
  ownLandmarks(): Promise<LandmarkSet | undefined> {
    this.#own ??= this.#fetchLandmarks();
    return this.#own;
  }

  /**
   * A set that fits the model.
   * @param given undefined: the model's own
   * @throws ModelError where there is none, it is no landmark set, or it is for another model
   */
  async landmarkSet(given: LandmarkSet | LandmarkText | undefined): Promise<LandmarkSet> {
    const { manifest, parts } = this.#opening;
    const set =
      given === undefined
        ? await this.ownLandmarks()
        : 'text' in given
          ? await explained(parts, (by) => by.parseTrackedSet(given.text, given.url))
          : given;
    if (set === undefined) {
      throw new ModelError(
        `the model of category "${manifest.category}" has no landmarks. Pass the landmarks option, or make some with "dve landmarks".`,
      );
    }
    await explained(parts, (by) => {
      by.checkLandmarkSet(set, manifest);
    });
    await bringParts(set, parts);
    return set;
  }

  /**
   * Does a job on the engine. When the GPU is lost meanwhile it is done again on the engine that takes the place of the
   * lost one; whoever comes first opens that, for all.
   */
  async use<Result>(job: (engine: Engine) => Promise<Result>): Promise<Result> {
    const now = this.#running;
    try {
      if (now.lost.reason !== undefined) throw new DeviceError(now.lost.reason);
      return await job(now.engine);
    } catch (error) {
      await lossIsKnown(now);
      if (now.lost.reason === undefined) throw error;
      return job(await this.#replacementOf(now, now.lost.reason, error));
    }
  }

  async #fetchLandmarks(): Promise<LandmarkSet | undefined> {
    const { manifest, urls, parts } = this.#opening;
    const entry = manifest.files.landmarks;
    if (entry === undefined) return undefined;
    try {
      const text = new TextDecoder().decode(await fetchExplained(parts, urls, entry));
      return await explained(parts, (by) => by.parseTrackedSet(text, entry.name));
    } catch (error) {
      // The next who needs them tries again.
      this.#own = undefined;
      throw error;
    }
  }

  async #replacementOf(lost: Running, reason: string, cause: unknown): Promise<Engine> {
    if (this.#opening.device !== 'auto') {
      throw new DeviceError(
        `the GPU was lost (${reason}). Create a new tracker, or one with device 'auto', which goes on without it.`,
        { cause },
      );
    }
    if (this.#running !== lost) return this.#running.engine;
    this.#replacing ??= this.#replace().finally(() => {
      this.#replacing = undefined;
    });
    return this.#replacing;
  }

  async #replace(): Promise<Engine> {
    this.#running = running({ ...(await this.#opening.choose('wasm')), note: 'the GPU was lost' });
    return this.#running.engine;
  }
}
