import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { InputError } from '../errors.ts';
import { requireRegularFile } from '../files-node/regular-file.ts';
import { openWithFfmpeg } from './video-ffmpeg.ts';
import { listFramePictures, openPictureFolder } from './video-folder.ts';
import { openWithMediabunny } from './video-mediabunny.ts';
import type { VideoReader } from '../media/video-reader.ts';

export type { RgbFrame, VideoReader } from '../media/video-reader.ts';

/** What a folder is searched for. */
const videoExtensions = new Set(['.mp4', '.m4v', '.mov', '.webm', '.mkv', '.mpg', '.mpeg', '.avi', '.gif']);
/** What mediabunny can read; the rest is ffmpeg's. */
const mediabunnyExtensions = new Set(['.mp4', '.m4v', '.mov', '.webm', '.mkv']);

export type OpenVideoOptions = {
  /** Longer side at most, pixels: larger frames are scaled down. */ maxSide?: number;
  /** What decodes. By default mediabunny where it is installed and can, else ffmpeg. */
  decoder?: 'mediabunny' | 'ffmpeg';
  /** Frames a second of a folder of pictures, which cannot say it itself. Default 25. */
  framesPerSecond?: number;
  /** Told, in one line, of damage that decoding went on after. */ onWarning?: (message: string) => void;
};

/**
 * Opens a video (mp4, mov, webm, mkv, mpg, gif, whatever ffmpeg reads) or a folder of pictures. Frames come
 * upright, in order, with the timestamps of the file (a variable frame rate stays one), as RGB. Nothing is
 * decoded before `frames` is walked, and nothing but the frame that is asked for and a few behind it is in memory.
 *
 * @throws InputError that names the file, for one that is missing or no video, and, while its frames are walked, for
 *   one that breaks off
 */
export const openVideo = async (path: string, options: OpenVideoOptions = {}): Promise<VideoReader> => {
  const { maxSide, decoder, framesPerSecond = 25, onWarning } = options;
  if (maxSide !== undefined && !(maxSide >= 1)) {
    throw new InputError(`maxSide is ${maxSide}. Pass a number of pixels of at least 1.`);
  }
  if (!(framesPerSecond > 0)) {
    throw new InputError(`framesPerSecond is ${framesPerSecond}. Pass a number above 0.`);
  }
  let isFolder: boolean;
  try {
    isFolder = (await stat(path)).isDirectory();
  } catch (error) {
    throw new InputError(`${path} cannot be found. Pass a video file, or a folder of pictures.`, {
      cause: error,
    });
  }
  if (isFolder) return openPictureFolder(path, framesPerSecond, maxSide, onWarning);
  await requireRegularFile(path);
  if (decoder === 'mediabunny' || (decoder === undefined && mediabunnyExtensions.has(fileType(path)))) {
    const reader = await openWithMediabunny(path, maxSide);
    if (reader !== undefined) return reader;
    if (decoder === 'mediabunny') {
      throw new InputError(
        `${path} cannot be read by mediabunny: "mediabunny" or "@mediabunny/server" is not installed, or it does not know the format. Install both, or use ffmpeg.`,
      );
    }
  }
  return openWithFfmpeg(path, maxSide, onWarning);
};

const fileType = (path: string): string => extname(path).toLowerCase();

export type VideoList = {
  /** Video files and folders of pictures, sorted by path. */ videos: string[];
  /** How many that look like videos are none. */ skipped: number;
};

/**
 * Everything below a folder that can be opened as a video: video files, and folders that hold two or more pictures.
 * Each is opened to make sure of it (its frames are decoded only later); one that cannot be is named, skipped
 * and counted.
 *
 * @param root a folder, or one video
 * @param onWarning told once for each that is skipped; one line that names it
 * @throws InputError for a folder that cannot be read, or in which no video is left
 */
export const listVideos = async (root: string, onWarning?: (message: string) => void): Promise<VideoList> => {
  const candidates = await findCandidates(root);
  if (candidates.length === 0) {
    throw new InputError(
      `${root} holds no videos (looked for ${[...videoExtensions].join(' ')} and folders of pictures). Pass a folder with videos in it.`,
    );
  }
  const reasons = new Map<string, string>();
  let next = 0;
  const checkRest = async (): Promise<void> => {
    while (next < candidates.length) {
      const path = candidates[next++];
      try {
        await (await openVideo(path)).close();
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        reasons.set(path, error.message);
      }
    }
  };
  // Starting a process takes longer than what it does, so a few at once.
  await Promise.all(Array.from({ length: 4 }, checkRest));
  for (const path of candidates) {
    const reason = reasons.get(path);
    if (reason !== undefined) onWarning?.(`${reason} Skipped.`);
  }
  const videos = candidates.filter((path) => !reasons.has(path));
  if (videos.length === 0) {
    throw new InputError(
      `None of the ${candidates.length} videos in ${root} can be read. The first: ${reasons.get(candidates[0])}`,
    );
  }
  return { videos, skipped: candidates.length - videos.length };
};

/** False for what is not there, too: a link into nowhere. */
const isFolderAt = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
};

/** @param above the real paths of the folders that led here: a link back to one of them is not followed */
const findCandidates = async (root: string, above: readonly string[] = []): Promise<string[]> => {
  let entries;
  let real;
  try {
    if (!(await stat(root)).isDirectory()) return [root];
    real = await realpath(root);
    if (above.includes(real)) return [];
    entries = await readdir(root, { withFileTypes: true });
  } catch (error) {
    throw new InputError(`${root} cannot be read. Pass an existing folder of videos.`, { cause: error });
  }
  const found: string[] = [];
  if ((await listFramePictures(root)).length > 1) found.push(root);
  // Plain code-unit order: the same on every machine, whatever its locale.
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(root, entry.name);
    if (entry.isDirectory() || (entry.isSymbolicLink() && (await isFolderAt(path)))) {
      found.push(...(await findCandidates(path, [...above, real])));
    } else if (videoExtensions.has(fileType(entry.name))) found.push(path);
  }
  return found;
};
