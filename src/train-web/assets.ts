/** URLs of what training fetches when running; see worker/assets.ts for why each is written out whole. */
import type { WebRuntimeFiles } from '../model/model-web.ts';
import { begun, folderUrl, locateAssets, startWorker } from '../worker/assets.ts';

export type TrainingAssets = {
  createDataWorker: () => Worker;
  createTrainWorker: () => Worker;
  runtime: WebRuntimeFiles;
};

/** @param base URL of a copy of the package's dist folder; without it, where this very file lies */
export const locateTrainingAssets = (base: string | URL | undefined): TrainingAssets => {
  const { runtime } = locateAssets(base);
  if (base === undefined) {
    return {
      createDataWorker: () =>
        begun(
          () =>
            new Worker(new URL('./train-data.worker.js', import.meta.url), {
              type: 'module',
              name: 'dve-sdk training data',
            }),
        ),
      createTrainWorker: () =>
        begun(
          () =>
            new Worker(new URL('./train.worker.js', import.meta.url), {
              type: 'module',
              name: 'dve-sdk training',
            }),
        ),
      runtime,
    };
  }
  const folder = folderUrl(base, 'assetBase');
  return {
    createDataWorker: () => startWorker(new URL('train-data.worker.js', folder)),
    createTrainWorker: () => startWorker(new URL('train.worker.js', folder)),
    runtime,
  };
};
