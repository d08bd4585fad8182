import { track, Tracker, type FrameInput, type ModelPrecision } from 'dve-sdk';
import { createFaceFinder } from 'dve-sdk/mediapipe';

/** Something that is timed: one call is one frame's work, from the page and back to it. */
export type Contender = {
  name: string;
  /** Milliseconds until it is ready, its files being in the browser's cache. */ startup: number;
  /** @returns milliseconds of one frame */
  run(frame: VideoFrame, index: number): Promise<number>;
  /** Where the last frame's time went, milliseconds; only of this SDK. */ stages?(): Record<string, number>;
  close(): void;
};

const model = '/model/';
const mediapipe = '/mediapipe/';

/** Calls a worker that answers each message with one message, `{ error }` for failures. */
const callWorker = (worker: Worker, message: unknown, transfer: Transferable[] = []): Promise<unknown> =>
  new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<{ error?: string }>) => {
      if (data.error === undefined) resolve(data);
      else reject(new Error(data.error));
    };
    worker.onerror = ({ message: text }) => {
      reject(new Error(text));
    };
    worker.postMessage(message, transfer);
  });

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

/** This SDK, as its users call it. */
export const openSdk = async (precision: ModelPrecision): Promise<Contender> => {
  const start = performance.now();
  const tracker = await Tracker.create({ model, device: 'wasm', precision });
  return {
    name: `this SDK, ${precision}`,
    startup: performance.now() - start,
    run: (frame, index) => timed(() => tracker.step(frame, index / 30)),
    stages: () => ({ ...tracker.timing }),
    close: () => void tracker.close(),
  };
};

/** MediaPipe's FaceLandmarker on the CPU, in a module worker of its own. */
export const openLandmarker = async (): Promise<Contender> => {
  const start = performance.now();
  const worker = new Worker('/bench/landmarker.worker.js', { type: 'module' });
  await callWorker(worker, {
    library: new URL(`${mediapipe}vision_bundle.mjs`, location.href).href,
    wasm: new URL(`${mediapipe}wasm`, location.href).href,
    model: new URL(`${mediapipe}models/face_landmarker.task`, location.href).href,
  });
  return {
    name: 'FaceLandmarker',
    startup: performance.now() - start,
    run: (frame, index) => timed(() => callWorker(worker, { frame, timestamp: (index + 1) * 33 }, [frame])),
    close: () => {
      worker.terminate();
    },
  };
};

/** The network alone in onnxruntime-web, on crops of the same frames that are ready: timed in its worker. */
export const openNetwork = async (precision: ModelPrecision): Promise<Contender> => {
  const start = performance.now();
  const worker = new Worker('/bench/network.worker.js', { type: 'module' });
  await callWorker(worker, {
    folder: new URL(model, location.href).href,
    runtime: new URL('/dist/', location.href).href,
    precision,
  });
  return {
    name: `bare network, ${precision}`,
    startup: performance.now() - start,
    run: async (frame) => {
      const { ms } = (await callWorker(worker, { frame }, [frame])) as { ms: number };
      return ms;
    },
    close: () => {
      worker.terminate();
    },
  };
};

export type SearchReport = { frames: number; ms: number };

/** How long it takes from nothing to the first landmarks, mean of a few rounds. */
export const measureSearch = async (
  finderKind: 'localizer' | 'mediapipe',
  frames: (index: number) => FrameInput,
  rounds: number,
): Promise<SearchReport> => {
  const finder =
    finderKind === 'mediapipe'
      ? await createFaceFinder({
          library: `${mediapipe}vision_bundle.mjs`,
          wasm: `${mediapipe}wasm`,
          model: `${mediapipe}models/blaze_face_short_range.tflite`,
        })
      : undefined;
  const tracker = await Tracker.create({
    model,
    device: 'wasm',
    ...(finder === undefined ? {} : { finder }),
  });
  let [steps, ms] = [0, 0];
  // One round more, uncounted, to warm up.
  for (let round = 0; round <= rounds; round++) {
    await tracker.reset();
    const start = performance.now();
    let count = 0;
    for (; count < 60; count++) {
      const result = await tracker.step(frames(round * 7 + count), count / 30);
      if (result.status === 'tracking') break;
    }
    if (round === 0) continue;
    steps += count + 1;
    ms += performance.now() - start;
  }
  await tracker.close();
  finder?.close();
  return { frames: steps / rounds, ms: ms / rounds };
};

/** From the call of `track()` to the first landmarks, files in the browser's cache, frames every 33 ms. @returns ms, each round */
export const measureFirstResult = async (
  frames: (index: number) => VideoFrame,
  rounds: number,
): Promise<number[]> => {
  const live = async function* (): AsyncGenerator<VideoFrame> {
    for (let index = 0; ; index++) {
      yield frames(index);
      await new Promise((resolve) => setTimeout(resolve, 33));
    }
  };
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    for await (const { status } of track(live(), { model, device: 'wasm' })) {
      if (status === 'tracking') break;
    }
    times.push(performance.now() - start);
  }
  return times;
};
