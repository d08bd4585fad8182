import { readFile } from 'node:fs/promises';
import { InputError } from '../errors.ts';
import { decodePicture } from '../media-node/decode-picture.ts';
import { createKnownWarp, evaluateFlow, type KnownWarp } from '../evaluation/evaluate-flow.ts';
import { readFlowFile } from '../flow/flow-file.ts';
import { disFlow, rgbToGray, type GrayImage } from '../flow/optical-flow.ts';
import { defineCommand, UsageError } from './arguments.ts';
import { createRun } from './command-run.ts';
import { printResult, round } from './output.ts';

export const summary = 'Measure the optical flow on a pair with known flow, or on a known warp.';

const command = defineCommand({
  name: 'dve eval flow',
  about:
    'End-point error (pixels) over all pixels with known flow, the share of them that the forward–backward test\n' +
    'keeps, and the error over those. Either of a pair and its true flow:\n' +
    '  dve eval flow --pair A.png B.png --truth F.flo\n' +
    'or of the middle of a picture turned and enlarged about its centre, with noise on both:\n' +
    '  dve eval flow --warp DEGREES SCALE --picture FILE',
  options: {
    pair: { type: 'flag', describe: 'The two files are the pictures of a pair; wants --truth.' },
    truth: {
      type: 'string',
      placeholder: 'F.flo',
      describe: 'True flow from the first to the second picture.',
    },
    warp: { type: 'flag', describe: 'The two numbers are degrees and scale of a warp; wants --picture.' },
    picture: { type: 'string', placeholder: 'FILE', describe: 'Picture that is warped.' },
    side: {
      type: 'integer',
      placeholder: 'N',
      default: 256,
      minimum: 16,
      describe: 'Side of the warped square, pixels.',
    },
    noise: {
      type: 'number',
      placeholder: 'SD',
      default: 2,
      minimum: 0,
      describe: 'Noise of a warp, of 255.',
    },
    seed: { type: 'integer', placeholder: 'N', default: 1, describe: 'Seed of the noise.' },
    json: { type: 'flag', describe: 'Print one JSON object as the last line.' },
  },
  positionals: [
    { name: 'FIRST', describe: 'First picture, or degrees.' },
    { name: 'SECOND', describe: 'Second picture, or scale.' },
  ],
});

const readGray = async (file: string): Promise<GrayImage> => {
  const { rgb, width, height } = await decodePicture(file);
  return rgbToGray(rgb, width, height);
};

const readTruth = async (file: string): Promise<KnownWarp['truth']> => {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new InputError(`${file} cannot be read. Pass the .flo file of the pair.`, { cause: error });
  }
  return readFlowFile(bytes, file);
};

const readNumber = (text: string, what: string): number => {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new UsageError(`--warp wants ${what} as a number, not "${text}". See "${command.name} --help".`);
};

/** Node's option parser takes "-15" for an option, so negative angles are handed over as "=-15". */
const shieldNegatives = (argv: readonly string[]): string[] =>
  argv.map((argument) => (/^-\.?\d/.test(argument) ? `=${argument}` : argument));

const runWith = createRun(command, async ({ values, positionals }) => {
  const [first, second] = positionals.map((text) => text.replace(/^=/, ''));
  const load = async (): Promise<KnownWarp> => {
    if (values.pair === values.warp) {
      throw new UsageError(`Pass either --pair or --warp. See "${command.name} --help".`);
    }
    if (values.pair) {
      if (values.truth === undefined) throw new UsageError('--pair wants --truth F.flo.');
      const truth = await readTruth(values.truth);
      return { a: await readGray(first), b: await readGray(second), truth };
    }
    if (values.picture === undefined) throw new UsageError('--warp wants --picture FILE.');
    const degrees = readNumber(first, 'degrees');
    const scale = readNumber(second, 'a scale');
    if (scale <= 0) throw new UsageError(`--warp wants a scale above 0, not ${scale}.`);
    const { side, noise, seed } = values;
    return createKnownWarp(await readGray(values.picture), { side, degrees, scale, noise, seed });
  };
  const { a, b, truth } = await load();
  const accuracy = await evaluateFlow(a, b, truth, disFlow);
  printResult(
    {
      epe: round(accuracy.epe, 4),
      coverage: round(accuracy.coverage, 4),
      epe_masked: round(accuracy.epeMasked, 4),
    },
    values.json,
  );
});

export const run = (argv: string[]): Promise<void> => runWith(shieldNegatives(argv));
