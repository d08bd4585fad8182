/** `dve label`: serves the page in which points are clicked in frames of videos, on this machine only. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from '../errors.ts';
import { writeFileAtomic } from '../files-node/atomic-file.ts';
import { readText } from '../files-node/read-text.ts';
import { parsePointsFile, pixelsOf, serializePointsFile } from '../landmarks/points-file.ts';
import type { Annotation } from '../landmarks/landmark-set.ts';
import { decodePicture } from '../media-node/decode-picture.ts';
import type { Model } from '../model/model.ts';
import { openNodeModel } from '../model/model-node.ts';
import type { PixelImage } from '../pipeline/crop.ts';
import { defineCommand } from './arguments.ts';
import { createRun } from './command-run.ts';
import { openLabelFrames, type LabelFrames } from './label-frames.ts';
import { createPointGuesser } from './label-guess.ts';
import { startLabelServer, type LabelRoutes } from './label-server.ts';
import { modelOptions } from './model-options.ts';
import { printNote } from './output.ts';
import { refuseOverwrite } from './refuse-overwrite.ts';
import { readOwnSet } from './track-input.ts';

export const summary = 'Click points in frames of videos, in a page.';

const command = defineCommand({
  name: 'dve label',
  about:
    'Serves a page, to this machine only, in which points are clicked in frames of a video (or of the videos and pictures\nof a folder). With --model the points of labelled frames are guessed in others, and the frame is suggested that is most\nworth labelling next. The page saves to --out, and goes on from there; "dve landmarks" and "dve eval points" read it.\nCtrl+C ends it.',
  positionals: [{ name: 'VIDEO', describe: 'Video, or folder of videos and pictures.' }],
  options: {
    ...modelOptions,
    model: { type: 'string', placeholder: 'DIR', describe: 'Model directory that guesses points.' },
    out: {
      type: 'string',
      placeholder: 'FILE',
      default: 'points.json',
      describe: 'File of points to go on from, and to write.',
    },
    port: {
      type: 'integer',
      placeholder: 'N',
      default: 0,
      minimum: 0,
      describe: 'Port of the page; 0 is any.',
    },
  },
});

/** The page's files, which come with the package. @throws InputError where they are not built */
const pageFolder = (): string => {
  const place = import.meta.url.endsWith('.ts') ? '../../dist/label' : './label';
  const folder = fileURLToPath(new URL(place, import.meta.url));
  if (existsSync(join(folder, 'index.html'))) return folder;
  throw new InputError(`${folder} has no page. Run "npm run build" first.`);
};

/** What the page asks to be guessed. */
type GuessRequest = { points: string; to: { clip: string; frame?: number } };

const readGuessRequest = (body: string): GuessRequest => {
  const value = JSON.parse(body) as Partial<GuessRequest> | null;
  if (typeof value?.points === 'string' && typeof value.to?.clip === 'string') return value as GuessRequest;
  throw new InputError('a guess wants points and a frame. Reload the page.');
};

const createGuess = async (model: Model, folder: string, frames: LabelFrames) => {
  const guess = createPointGuesser(model, await readOwnSet(folder));
  const decode = async (clip: string, frame = 0): Promise<PixelImage> => {
    const index = frames.clips.findIndex(({ name }) => name === clip);
    const { rgb, width, height } = await decodePicture(frames.file(index, frame));
    return { data: rgb, width, height, channels: 3 };
  };
  return async (body: string): Promise<string> => {
    const { points, to } = readGuessRequest(body);
    const file = parsePointsFile(points);
    const labelled = [];
    for (const mark of file.marks) {
      const image = await decode(nameOf(mark), mark.frame);
      labelled.push({ image, points: pixelsOf(file, mark, image) });
    }
    const key = serializePointsFile({ ...file, marks: [...file.marks].sort(byPlace) });
    const found = await guess(key, file.names, labelled, await decode(to.clip, to.frame));
    return JSON.stringify(found.map((point) => point ?? null));
  };
};

const nameOf = ({ video, picture = '' }: Annotation): string => video ?? picture;
const byPlace = (a: Annotation, b: Annotation): number =>
  nameOf(a).localeCompare(nameOf(b)) || (a.frame ?? 0) - (b.frame ?? 0);

/** Resolves at Ctrl+C or a kill. */
const interruption = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        resolve();
      });
    }
  });

export const run = createRun(command, async ({ values, positionals: [path] }) => {
  const { out, model: folder, precision, device, threads } = values;
  const page = pageFolder();
  await refuseOverwrite({ out }, [path]);
  if (existsSync(out)) parsePointsFile(await readText(out), out);
  const frames = await openLabelFrames(path);
  let model: Model | undefined;
  try {
    const ended = interruption();
    if (folder !== undefined) {
      model = await openNodeModel(folder, {
        precision,
        ...(device === undefined ? {} : { device }),
        ...(threads === undefined ? {} : { threads }),
      });
    }
    const guess = model && folder !== undefined ? await createGuess(model, folder, frames) : undefined;
    const state: { busy: boolean; problem?: string } = { busy: true };
    const routes: LabelRoutes = {
      state: () =>
        Promise.resolve(JSON.stringify({ ...state, clips: frames.clips, canGuess: guess !== undefined })),
      frame: ([clip, frame]) => readFile(frames.file(Number(clip), Number(frame))),
      points: async (_, body) => {
        if (body === '') return existsSync(out) ? readText(out) : '';
        parsePointsFile(body, 'what the page sent');
        await writeFileAtomic(out, body);
        return out;
      },
      ...(guess && { guess: (_, body) => guess(body) }),
    };
    const server = await startLabelServer(page, routes, values.port);
    console.log(`Label ${basename(path)} at ${server.url}`);
    printNote(`Points are saved to ${join(dirname(out), basename(out))}. Stop it with Ctrl+C.`);
    frames
      .decode(printNote)
      .catch((error: unknown) => {
        state.problem = error instanceof Error ? error.message : String(error);
        printNote(`dve: ${state.problem}`);
      })
      .finally(() => {
        state.busy = false;
      });
    await ended;
    await server.close();
  } finally {
    await frames.close();
    await model?.close();
  }
});
