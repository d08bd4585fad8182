/** `dve convert`: points to and from the files of COCO, DeepLabCut and SLEAP. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { InputError } from '../errors.ts';
import { writeFileAtomic } from '../files-node/atomic-file.ts';
import { readJson } from '../files-node/read-json.ts';
import { readText } from '../files-node/read-text.ts';
import { requireRegularFile } from '../files-node/regular-file.ts';
import { checkPointsFile, serializePointsFile } from '../landmarks/points-file.ts';
import { defineCommand, UsageError } from './arguments.ts';
import { createRun } from './command-run.ts';
import { readCoco, writeCoco } from './convert/coco.ts';
import { keypointsToTable, readDeepLabCut, writeDeepLabCut } from './convert/deeplabcut.ts';
import { holdsPandasTable, readDeepLabCutHdf5, writeDeepLabCutHdf5 } from './convert/deeplabcut-hdf5.ts';
import { toPointsFile, type ConvertOptions, type KeypointRow, type Keypoints } from './convert/keypoints.ts';
import { readSleap, writeSleap } from './convert/sleap.ts';
import { resultOptions } from './model-options.ts';
import { printNote, printResult } from './output.ts';
import { readAnnotatedPictures } from './read-pictures.ts';
import { readPointsFile } from './read-points.ts';
import { refuseOverwrite } from './refuse-overwrite.ts';
import { createSkipLog } from './skipped.ts';

export const summary = 'Turn points into the files of other programs, and theirs into points.';

const formats = ['points', 'coco', 'dlc', 'sleap'] as const;
type Format = (typeof formats)[number];

const command = defineCommand({
  name: 'dve convert',
  about:
    'Reads and writes files of points: "points" (points.json, as "dve label" saves them), "coco" (COCO keypoints, JSON),\n"dlc" (labelled pictures of DeepLabCut, CSV or HDF5; CSV of what its networks found), "sleap" (analysis HDF5 of SLEAP).\nHDF5 needs the package h5wasm. Where nothing is said, .csv is dlc, .json is points, and .h5 is what it holds; one that is\nwritten is sleap. Coordinates stay as they are, in pixels; the centre of the top-left pixel is (0.5, 0.5)\nhere, and programs that count from its corner or its centre differ by no more than that. Hidden points are null, v = 0,\nempty cells or NaN. Of several objects in a picture the first one is taken.',
  positionals: [
    { name: 'IN', describe: 'File to read.' },
    { name: 'OUT', describe: 'File to write.' },
  ],
  options: {
    from: { type: 'choice', choices: formats, describe: 'Layout of IN.' },
    to: { type: 'choice', choices: formats, describe: 'Layout of OUT.' },
    images: {
      type: 'string',
      placeholder: 'DIR',
      describe: 'Pictures and videos of IN, where it holds shares of their sizes.',
    },
    video: {
      type: 'string',
      placeholder: 'NAME',
      describe: 'File name of the video that frames are of, where IN does not say it.',
    },
    least: {
      type: 'number',
      placeholder: 'SHARE',
      default: 0.6,
      minimum: 0,
      describe: 'Of points that a network found (dlc): those below this likelihood are hidden.',
    },
    ...resultOptions,
  },
});

const isHdf5 = (path: string): boolean => ['.h5', '.hdf5'].includes(extname(path).toLowerCase());

const formatOf = (path: string, given: Format | undefined, option: string): Format => {
  if (given !== undefined) return given;
  const ending = extname(path).toLowerCase();
  if (ending === '.csv') return 'dlc';
  if (isHdf5(path)) return 'sleap';
  if (ending === '.json') return 'points';
  throw new UsageError(
    `${path} does not say by its ending what it is: give --${option}. See "dve convert --help".`,
  );
};

/** @throws InputError for shares of pictures whose sizes are not known */
const readPoints = async (path: string, images: string | undefined): Promise<Keypoints> => {
  const value = await readJson(path, 'Give a file with annotated points.');
  const { names, connections, pixels, marks } = checkPointsFile(value, path);
  if (images === undefined) {
    if (pixels) return { names, connections, rows: marks };
    throw new InputError(
      `${path} holds shares of the pictures' sizes, and these are not known. Give the folder of the pictures and videos as --images.`,
    );
  }
  const skipped = createSkipLog();
  const read = await readAnnotatedPictures(images, (await readPointsFile(path)).pictures, skipped);
  skipped.finish();
  const rows = read.map(({ image, name, frame, points }): KeypointRow => {
    const { width, height } = image;
    return {
      ...(frame === undefined ? { picture: name } : { video: name, frame }),
      points,
      size: { width, height },
    };
  });
  return { names, connections, rows };
};

const read = async (
  path: string,
  format: Format,
  { images, given }: { images: string | undefined; given: Format | undefined },
  options: ConvertOptions,
): Promise<Keypoints> => {
  switch (format) {
    case 'points':
      return readPoints(path, images);
    case 'coco':
      return readCoco(await readJson(path, 'Give a file of COCO keypoints.'), path, options);
    case 'dlc':
      await requireRegularFile(path);
      if (isHdf5(path)) return readDeepLabCutHdf5(path, options);
      return readDeepLabCut(await readText(path), path, options);
    case 'sleap':
      await requireRegularFile(path);
      // Both write .h5, and a file tells which it is.
      return given === undefined && (await holdsPandasTable(path))
        ? readDeepLabCutHdf5(path, options)
        : readSleap(path, options);
  }
};

/** The library writes files by itself, and what it has begun is not put in place of anything. */
const writeHdf5 = async (path: string, write: (path: string) => Promise<void>): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'dve-convert-'));
  try {
    await write(join(folder, 'points.h5'));
    await writeFileAtomic(path, await readFile(join(folder, 'points.h5')));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const write = async (path: string, format: Format, keypoints: Keypoints): Promise<void> => {
  switch (format) {
    case 'points':
      return writeFileAtomic(path, serializePointsFile(toPointsFile(keypoints)));
    case 'coco':
      return writeFileAtomic(path, writeCoco(keypoints));
    case 'dlc': {
      const table = keypointsToTable(keypoints);
      return isHdf5(path)
        ? writeHdf5(path, (file) => writeDeepLabCutHdf5(file, table))
        : writeFileAtomic(path, writeDeepLabCut(table));
    }
    case 'sleap':
      return writeHdf5(path, (file) => writeSleap(file, keypoints));
  }
};

export const run = createRun(command, async ({ values, positionals: [input, output] }) => {
  const [from, to] = [formatOf(input, values.from, 'from'), formatOf(output, values.to, 'to')];
  await refuseOverwrite({ out: output }, [input]);
  const { video, least, images } = values;
  const keypoints = await read(
    input,
    from,
    { images, given: values.from },
    { video, least, onNote: printNote },
  );
  if (keypoints.rows.length === 0) {
    throw new InputError(`${input} has no picture or frame with points. Give a file that has some.`);
  }
  await write(output, to, keypoints);
  const points = keypoints.rows.flatMap((row) => row.points);
  printResult(
    {
      pictures: keypoints.rows.length,
      names: keypoints.names.length,
      points: points.filter((point) => point !== null).length,
      hidden: points.filter((point) => point === null).length,
    },
    values.json,
  );
});
