/** Parts of the worker that are files of their own: what a page never asks for, it never fetches. */
import { importFile } from '../model/import-file.ts';
import type * as FrameWorkModule from './frame-work.ts';
import type * as GpuWorkModule from './gpu-work.ts';
import type * as PictureWorkModule from './picture-work.ts';
import type * as SeveralObjectsModule from './several-objects.ts';

/** What works on pictures by themselves. */ export type PictureWork = typeof PictureWorkModule;
/** What cuts frames on WebGPU, and checks it. */ export type GpuWork = typeof GpuWorkModule;
/** What cuts frames on the CPU. */ export type FrameWork = typeof FrameWorkModule;

type Parts = { pictures: PictureWork; objects: typeof SeveralObjectsModule; gpu: GpuWork; frames: FrameWork };

/** URLs of the files. */
export type PartUrls = Readonly<Record<keyof Parts, string>>;

/** Seconds: much, because networks are slow. */
const loadLimit = 60;

/** Fetched once, when first needed. @throws DeviceError when it cannot be fetched */
export const loadPart = async <Name extends keyof Parts>(urls: PartUrls, name: Name): Promise<Parts[Name]> =>
  (await importFile(urls[name], loadLimit)) as Parts[Name];
