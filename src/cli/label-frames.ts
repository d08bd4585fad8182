/** Frames of the videos that are labelled, decoded once into pictures that a page can ask for in any order. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { InputError } from '../errors.ts';
import { listVideos, openVideo, type VideoReader } from '../media-node/open-video.ts';
import { listPictures } from '../media-node/load-pictures.ts';
import { loadSharp } from '../media-node/sharp.ts';

/** A video, or a picture of a folder. */
export type LabelClip = {
  /** File name. */ name: string;
  /** How many are decoded so far. */ frames: number;
  isVideo: boolean;
  /** Pixels. */ width: number;
  height: number;
};

export type LabelFrames = {
  clips: readonly LabelClip[];
  /** Path of a frame's picture, a JPEG. @throws InputError for one that is not there */
  file(clip: number, frame: number): string;
  /** Decodes everything; frames are there one by one. @param onWarning told, in one line, of what is left out */
  decode(onWarning: (message: string) => void): Promise<void>;
  /** Stops decoding, and removes what was decoded. */ close(): Promise<void>;
};

/** Longer side of what is shown: more is finer than anyone clicks, and hours of video have to fit on a disk. */
const shownSide = 1280;
const quality = 92;

/** What is to be labelled: a video; or the videos and pictures of a folder, none of folders in it. */
const sourcesIn = async (path: string): Promise<{ videos: string[]; pictures: string[] }> => {
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() === true;
  if (!isFolder) {
    // What is no video is told before a page is opened.
    await (await openVideo(path)).close();
    return { videos: [path], pictures: [] };
  }
  const pictures = (await listPictures(path)).map((name) => join(path, name));
  const { videos } = await listVideos(path).catch(() => ({ videos: [] as string[] }));
  const own = videos.filter(
    (video) => resolve(video) !== resolve(path) && resolve(dirname(video)) === resolve(path),
  );
  const files = [];
  for (const video of own) if ((await stat(video)).isFile()) files.push(video);
  if (files.length + pictures.length > 0) return { videos: files, pictures };
  throw new InputError(
    `${path} holds neither videos nor pictures. Give a video, or a folder with some in it.`,
  );
};

/**
 * @param path of a video, or of a folder of videos and pictures
 * @throws InputError for what is neither
 */
export const openLabelFrames = async (path: string): Promise<LabelFrames> => {
  const sharp = await loadSharp('dve label');
  const { videos, pictures } = await sourcesIn(path);
  const folder = await mkdtemp(join(tmpdir(), 'dve-label-'));
  const fileOf = (clip: number, frame: number): string => join(folder, `${clip}-${frame}.jpg`);
  const clips: LabelClip[] = [...videos, ...pictures].map((file, index) => ({
    ...{ name: basename(file), frames: 0, isVideo: index < videos.length, width: 0, height: 0 },
  }));
  let isClosed = false;
  let reader: VideoReader | undefined;

  const decodeVideo = async (index: number, onWarning: (message: string) => void): Promise<void> => {
    reader = await openVideo(videos[index], { maxSide: shownSide, onWarning });
    const { width, height } = reader;
    const clip = clips[index];
    [clip.width, clip.height] = [reader.stored.width, reader.stored.height];
    try {
      for await (const { rgb, index: frame } of reader.frames) {
        await sharp(rgb, { raw: { width, height, channels: 3 } })
          .jpeg({ quality })
          .toFile(fileOf(index, frame));
        clip.frames = frame + 1;
      }
    } finally {
      await reader.close();
    }
  };
  const decodePictureFile = async (index: number): Promise<void> => {
    const image = sharp(pictures[index - videos.length]).autoOrient();
    const { autoOrient } = await image.metadata();
    await image
      .resize(shownSide, shownSide, { fit: 'inside', withoutEnlargement: true })
      .jpeg({ quality })
      .toFile(fileOf(index, 0));
    Object.assign(clips[index], autoOrient, { frames: 1 });
  };
  return {
    clips,
    file: (clip, frame) => {
      const known = clips.at(clip);
      if (known === undefined || !(frame >= 0 && frame < known.frames)) {
        throw new InputError(
          `there is no frame ${frame} of ${known?.name ?? `clip ${clip}`}. Reload the page.`,
        );
      }
      return fileOf(clip, frame);
    },
    decode: async (onWarning) => {
      for (const index of clips.keys()) {
        try {
          if (isClosed) return;
          if (index < videos.length) await decodeVideo(index, onWarning);
          else await decodePictureFile(index);
        } catch (error) {
          if (isClosed) return;
          if (!(error instanceof InputError) || clips.length === 1) throw error;
          onWarning(error.message);
        }
      }
    },
    close: async () => {
      isClosed = true;
      await reader?.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
