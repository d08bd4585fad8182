import type { FaceLandmarker as Landmarker } from '@mediapipe/tasks-vision';

type Vision = typeof import('@mediapipe/tasks-vision');
type Start = { library: string; wasm: string; model: string };
type Step = { frame: VideoFrame; timestamp: number };

let landmarker: Landmarker | undefined;

const start = async ({ library, wasm, model }: Start): Promise<void> => {
  const { FaceLandmarker, FilesetResolver } = (await import(library)) as Vision;
  const files = await FilesetResolver.forVisionTasks(wasm, true);
  landmarker = await FaceLandmarker.createFromOptions(files, {
    baseOptions: { modelAssetPath: model, delegate: 'CPU' },
    runningMode: 'VIDEO',
    numFaces: 1,
  });
};

const step = ({ frame, timestamp }: Step): number => {
  try {
    const found = landmarker?.detectForVideo(frame, timestamp);
    return found?.faceLandmarks.length ?? 0;
  } finally {
    frame.close();
  }
};

self.addEventListener('message', ({ data }: MessageEvent<Start | Step>) => {
  const answer = async (): Promise<unknown> => {
    if ('frame' in data) return { faces: step(data) };
    await start(data);
    return {};
  };
  answer().then(
    (reply) => {
      postMessage(reply);
    },
    (error: unknown) => {
      postMessage({ error: String(error) });
    },
  );
});
