/** Parts of the worker that are files of their own: what a page never asks for, it never fetches. */
import { importFile } from '../model/import-file.ts';
import type * as AskGpuModule from './ask-gpu.ts';
import type * as FaultsModule from './faults.ts';
import type * as FrameWorkModule from './frame-work.ts';
import type * as GpuWorkModule from './gpu-work.ts';
import type * as MotionWorkModule from './motion-work.ts';
import type { PartUrls } from './part-urls.ts';
import type * as PictureWorkModule from './picture-work.ts';
import type * as SeveralObjectsModule from './several-objects.ts';

/** What works on pictures by themselves. */ export type PictureWork = typeof PictureWorkModule;

type Parts = {
  pictures: PictureWork;
  objects: typeof SeveralObjectsModule;
  motion: typeof MotionWorkModule;
  device: typeof AskGpuModule;
  gpu: typeof GpuWorkModule;
  frames: typeof FrameWorkModule;
  faults: typeof FaultsModule;
};

/** Seconds: much, because networks are slow. */
const loadLimit = 60;

/** Fetched once, when first needed. @throws DeviceError when it cannot be fetched */
export const loadPart = async <Name extends keyof PartUrls>(
  urls: PartUrls,
  name: Name,
): Promise<Parts[Name]> => (await importFile(urls[name], loadLimit)) as Parts[Name];
