/** What the worker that trains does: steps, and between two of them whatever the page asks for. */
import { DeviceError, DveError, InputError, firstLine } from '../errors.ts';
import { createCallQueue } from '../model/call-queue.ts';
import { createModel, type Model } from '../model/model.ts';
import { manifestFields, exportInt8, exportWeights } from '../train/model-files.ts';
import { sampleMatches, type SampleMatch } from '../train/report/sample-matches.ts';
import type { StepReport } from '../train/trainer.ts';
import { freshState, train, weightsOf } from '../train/trainer.ts';
import { parameterLayout } from '../train/network/training-network.ts';
import type { TrainingState } from '../train/step/training-step.ts';
import { holdLock } from '../worker/hold-lock.ts';
import { connect, transfer, type Remote } from '../worker/rpc.ts';
import { chooseDevice, type ChosenDevice } from './choose-device.ts';
import { exportFiles } from './export-files.ts';
import { markLandmarks } from './mark-landmarks.ts';
import type {
  BatchApi,
  MarkedLandmarks,
  StartTraining,
  StepsReport,
  TrainingDevice,
  TrainWorkerApi,
} from './messages.ts';
import { createRemoteBatches } from './remote-batches.ts';

/** A training that was started. */
type Running = {
  message: StartTraining;
  batches: Remote<BatchApi>;
  chosen: ChosenDevice;
  /** As of the last step. */ step: number;
  state: TrainingState;
  /** Settles when training ends. */ end: Promise<unknown>;
};

/** What became known since the page last asked. */
type News = { losses: number[]; report: StepReport | undefined; ended: boolean; failure: unknown };

const isMemory = (error: unknown): boolean =>
  error instanceof RangeError || /out of memory|bad_alloc|allocation failed|OOM/i.test(String(error));

/** What ONNX Runtime throws, in words that say what to do. */
const explain = (error: unknown): unknown => {
  if (error instanceof DveError) return error;
  if (isMemory(error)) {
    return new DeviceError(
      `training needs more memory than this browser gives (${firstLine(error)}). Lower batch.pairs or network.widths, or close other tabs.`,
      { cause: error },
    );
  }
  return new DeviceError(`training broke off (${firstLine(error)}). Start it again, or try another device.`, {
    cause: error,
  });
};

/** Lets messages in: everything between two steps may be microtasks only. */
const nextTask = (): Promise<void> =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });

export class TrainService implements TrainWorkerApi {
  #running: Running | undefined;
  readonly #stop = new AbortController();
  readonly #news: News = { losses: [], report: undefined, ended: false, failure: undefined };
  #tell: () => void = () => undefined;
  /** What the page asked for while steps are running. */
  readonly #waiting: (() => Promise<void>)[] = [];
  readonly #queue = createCallQueue('training');

  hold(lockName: string): Promise<string> {
    return holdLock(lockName);
  }

  async start(message: StartTraining, port: MessagePort): Promise<TrainingDevice> {
    const batches = connect<BatchApi>(port).remote;
    const { config, device, runtime } = message;
    const chosen = await chooseDevice({ config, device, runtime, batch: () => batches.sample() });
    const { step, state } = message.resume ?? {
      step: 0,
      state: freshState(config, parameterLayout(config.network, config.batch.inputSize)),
    };
    const running: Running = { message, batches, chosen, step, state, end: Promise.resolve() };
    this.#running = running;
    running.end = this.#trainToEnd(running);
    return this.#describe(running);
  }

  async next(): Promise<StepsReport | undefined> {
    const running = this.#started();
    const news = this.#news;
    while (news.losses.length === 0 && !news.ended) {
      await new Promise<void>((resolve) => {
        this.#tell = resolve;
      });
    }
    const { report } = news;
    if (news.losses.length > 0 && report !== undefined) {
      const losses = news.losses.splice(0);
      const { step, picturesPerSecond, busy, secondsLeft } = report;
      return { step, losses, picturesPerSecond, busy, secondsLeft, device: this.#describe(running) };
    }
    if (news.failure !== undefined) throw explain(news.failure);
    return undefined;
  }

  stop(): void {
    this.#stop.abort();
  }

  matches(count: number): Promise<SampleMatch[]> {
    return this.#between(async ({ message: { config }, batches, chosen, state }) => {
      const network = exportWeights(config, this.#layout(), weightsOf(config, state));
      return sampleMatches(chosen.wasm, network, config, await batches.sample(), count);
    });
  }

  files(landmarks: MarkedLandmarks | undefined): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
    return this.#between(async ({ message: { config, digest }, batches, chosen, step, state }) => {
      const layout = this.#layout();
      const weights = weightsOf(config, state);
      const model = Uint8Array.from(exportWeights(config, layout, weights));
      const samples = await batches.calibration();
      const int8 = Uint8Array.from(await exportInt8(chosen.wasm, samples, config, layout, weights));
      const set =
        landmarks && (await this.#withModel(model, (trained) => markLandmarks(landmarks, trained, config)));
      const files = await exportFiles({ model, int8, landmarks: set }, { step, config, data: digest, state });
      return transfer(
        files,
        [...files.values()].map(({ buffer }) => buffer),
      );
    });
  }

  #started(): Running {
    if (this.#running === undefined) throw new InputError('the training was not started.');
    return this.#running;
  }

  #layout() {
    const { network, batch } = this.#started().message.config;
    return parameterLayout(network, batch.inputSize);
  }

  #describe({ chosen: { device, threads, note } }: Running): TrainingDevice {
    return { device, threads, deviceNote: note, parameters: this.#layout().parameterCount };
  }

  /** Runs between two steps, or when there are none any more: ONNX Runtime does one thing at a time. */
  #between<Result>(job: (running: Running) => Promise<Result>): Promise<Result> {
    const running = this.#started();
    if (this.#news.ended) return this.#queue.run(() => job(running));
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => job(running).then(resolve, reject));
    });
  }

  async #serve(): Promise<void> {
    for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift()) await job();
  }

  /** @param bytes of the fp32 tracking network */
  async #withModel<Result>(bytes: Uint8Array, use: (model: Model) => Promise<Result>): Promise<Result> {
    const { message, chosen } = this.#started();
    const manifest = manifestFields(message.config);
    const model = await createModel(chosen.wasm, { manifest, bytes, where: 'the network in training' });
    try {
      return await use(model);
    } finally {
      await model.close();
    }
  }

  async #trainToEnd(running: Running): Promise<void> {
    try {
      await this.#trainOn(running);
      await this.#serve();
    } catch (error) {
      this.#news.failure = error;
      await this.#serve();
    } finally {
      this.#news.ended = true;
      running.chosen.close();
      this.#tell();
    }
  }

  /** Trains on the chosen device; where that is lost and nothing speaks against it, goes on without it. */
  async #trainOn(running: Running): Promise<void> {
    const { chosen, message } = running;
    const { config } = message;
    let isLost = false;
    const training = train({
      config,
      runtime: chosen.steps,
      batches: createRemoteBatches(running.batches, running.step, config.steps),
      resume: { step: running.step, state: running.state },
      signal: this.#stop.signal,
      onStep: async (report, state) => {
        // A step that came back after all belongs to nobody any more.
        if (isLost) throw new DeviceError('the GPU was lost.');
        running.step = report.step;
        running.state = { ...state };
        this.#news.losses.push(report.loss);
        this.#news.report = report;
        this.#tell();
        await nextTask();
        await this.#serve();
      },
    });
    const lost = chosen.lost.then((reason) => {
      isLost = true;
      return reason;
    });
    const reason = await Promise.race([training.then(() => undefined), lost]).catch(
      async (error: unknown) => {
        // The loss of a GPU is told a little after the first call that fails because of it.
        const wait = new Promise<undefined>((resolve) => setTimeout(resolve, 200));
        const told = await Promise.race([lost, wait]);
        if (told === undefined) throw error;
        return told;
      },
    );
    if (reason === undefined || this.#stop.signal.aborted) return;
    training.catch(() => undefined);
    // Nobody can use it any more; the one at the end is another.
    chosen.close();
    if (message.device === 'webgpu') {
      throw new DeviceError(
        `the GPU was lost (${reason}) after ${running.step} steps. What was learnt until then can be kept; device 'auto' goes on without it.`,
      );
    }
    running.chosen = await chooseDevice({
      ...message,
      device: 'wasm',
      batch: () => running.batches.sample(),
    });
    running.chosen.note = 'the GPU was lost';
    await this.#trainOn(running);
  }
}
