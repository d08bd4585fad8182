import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../errors.ts';
import type { AnnotatedFolder } from '../evaluation/annotations.ts';
import { splitCrops } from '../evaluation/evaluate-regression.ts';
import { buildLandmarkSet } from '../landmark-maker/build-landmark-set.ts';
import type { SetPicture } from '../landmark-maker/set-request.ts';
import { ibug68 } from '../landmarks/ibug68.ts';
import { checkLandmarkSet } from '../landmarks/landmark-set.ts';
import { decodePicture } from '../media-node/decode-picture.ts';
import type { Model } from '../model/model.ts';
import { annotationsName, readAnnotatedFolder } from '../evaluation-node/read-annotated-folder.ts';
import {
  evaluateLandmarks,
  type LandmarkReferences,
  type RefiningSet,
} from '../evaluation/evaluate-landmarks.ts';
import { type EvaluationCrop } from '../evaluation/evaluation-model.ts';
import { loadEvaluationCrops } from '../evaluation-node/load-evaluation-crops.ts';
import { defineCommand, UsageError, type OptionValues } from './arguments.ts';
import { createRun } from './command-run.ts';
import {
  cropOptions,
  cropShape,
  modelOptions,
  resultOptions,
  withModel,
  type CropShape,
} from './model-options.ts';
import { evaluateNamed, type NamedCrop, type NamedReferences } from '../evaluation/evaluate-named.ts';
import { readJson } from '../files-node/read-json.ts';
import { loadNamedCrops } from './named-crops.ts';
import { createProgress, printAccuracy, printResult } from './output.ts';
import { pointFigures, printPerPoint } from './point-figures.ts';
import { readPointsFile } from './read-points.ts';
import { createSkipLog, type SkipLog } from './skipped.ts';
import { readLandmarkSet } from './track-input.ts';

export const summary = 'Find landmarks by a few annotated pictures, or by a landmark set.';

/** From so many pictures on "dve landmarks" can do more than average what it is given. */
const leastRefined = 5;

const command = defineCommand({
  name: 'dve eval landmarks',
  about:
    'Reference embeddings from N annotated pictures (or a landmark set), nearest neighbours in the others; five pictures\nand more make a set as "dve landmarks" does, which refines where that wins, unless --plain says no. Percent of\nthe inter-ocular distance: mean, median over all points, share of points within 10 %, share of pictures above 10 %.\nAnnotators differ in where a point lies: --offsets-from, or --split of one folder, learns a constant offset per point,\nin the frame of the line between the outer eye corners, and takes it out. Pictures of anything else: where their file\nhas "names" (what "dve label" saves, say, by --annotations), its points are measured by name, hidden ones (null) left\nout: pixels, and the share within 5 and 10 % of the object’s size, in all and per point.',
  options: {
    ...modelOptions,
    data: {
      type: 'string',
      placeholder: 'DIR',
      required: true,
      describe: 'Pictures to measure on, with landmarks.json.',
    },
    annotations: {
      type: 'string',
      placeholder: 'FILE',
      describe: 'Points of --data (and --references), where they are not in its landmarks.json.',
    },
    references: {
      type: 'string',
      placeholder: 'DIR',
      describe: 'Pictures to take references from; may be the same folder: those taken are not measured.',
    },
    shots: { type: 'integer', placeholder: 'N', minimum: 1, describe: 'Reference pictures of one draw.' },
    plain: {
      type: 'flag',
      describe: `With --shots of ${leastRefined} and more and 51 or 68 points: plain averages, not a set as "dve landmarks" makes it.`,
    },
    draws: { type: 'integer', placeholder: 'N', default: 5, minimum: 1, describe: 'Draws to average over.' },
    landmarks: { type: 'string', placeholder: 'FILE', describe: 'Landmark set, instead of --references.' },
    points: {
      type: 'choice',
      choices: ['5', '51', '68'],
      default: '68',
      describe: 'Of faces: which points.',
    },
    'offsets-from': {
      type: 'string',
      placeholder: 'DIR',
      describe: 'Pictures of the same annotators to learn offsets on, with landmarks.json.',
    },
    split: {
      type: 'integer',
      placeholder: 'N',
      minimum: 1,
      describe: 'Of --data: learn offsets on N pictures, measure on the others.',
    },
    seed: { type: 'integer', placeholder: 'N', default: 1, describe: 'Seed of draws and split.' },
    ...cropOptions,
    ...resultOptions,
  },
});

type Values = OptionValues<(typeof command)['options']>;

/** Where references come from, as far as the command line alone tells. */
type Source = { kind: 'pictures'; folder: string; shots: number } | { kind: 'set'; file: string };

const sourceOf = ({ references, shots, landmarks }: Values): Source => {
  const advice = 'See "dve eval landmarks --help".';
  if (landmarks !== undefined && (references !== undefined || shots !== undefined)) {
    throw new UsageError(`--landmarks replaces --references and --shots: give one or the other. ${advice}`);
  }
  if (landmarks !== undefined) return { kind: 'set', file: landmarks };
  if (references === undefined) throw new UsageError(`Missing --references or --landmarks. ${advice}`);
  if (shots === undefined) throw new UsageError(`--references wants --shots N beside it. ${advice}`);
  return { kind: 'pictures', folder: references, shots };
};

const readSet = async (file: string, model: string, session: Model): Promise<LandmarkReferences> => {
  const set = await readLandmarkSet(file, model);
  checkLandmarkSet(set, session.manifest, { landmarks: file, model });
  return { kind: 'set', set };
};

const readReferences = async (
  source: Source,
  values: Values,
  session: Model,
  test: { path: string; crops: readonly EvaluationCrop[] },
  { onSkip }: SkipLog,
): Promise<LandmarkReferences> => {
  if (source.kind === 'set') return readSet(source.file, values.model, session);
  const folder = await readAnnotatedFolder(source.folder);
  const { inputSize, margin } = cropShape(values, session);
  const crops =
    folder.path === test.path ? test.crops : await loadEvaluationCrops(folder, inputSize, { margin, onSkip });
  const isPlain = values.plain || values.points === '5' || source.shots < leastRefined;
  return {
    ...{ kind: 'pictures', crops, shots: source.shots, draws: values.draws, seed: values.seed },
    ...(isPlain ? {} : { makeSet: (drawn) => makeSet(drawn, session, margin) }),
  };
};

/** A set as "dve landmarks" makes it of the same pictures. */
const makeSet = async (
  drawn: readonly EvaluationCrop[],
  session: Model,
  margin: number,
): Promise<RefiningSet> => {
  const pictures: SetPicture[] = [];
  for (const { path, landmarks } of drawn) {
    const { rgb, width, height } = await decodePicture(path);
    pictures.push({ image: { data: rgb, width, height, channels: 3 }, points: landmarks });
  }
  return (await buildLandmarkSet({ pictures, ...ibug68 }, { session, margin })).set;
};

/** The pictures to measure on, and those to learn offsets on where that is asked for. */
const loadPictures = async (
  values: Values,
  folder: AnnotatedFolder,
  { inputSize, margin }: CropShape,
  { onSkip }: SkipLog,
): Promise<{ test: EvaluationCrop[]; offsetsFrom?: EvaluationCrop[] }> => {
  const { split, seed } = values;
  const from = values['offsets-from'];
  if (split !== undefined && from !== undefined) {
    throw new UsageError('--offsets-from and --split both say where offsets come from: give one of them.');
  }
  const other = from === undefined ? undefined : await readAnnotatedFolder(from);
  if (other?.path === folder.path) {
    throw new UsageError(
      '--offsets-from and --data are the same folder: offsets would be learnt on what they are measured on. Give --split N instead.',
    );
  }
  const load = (from: AnnotatedFolder) => loadEvaluationCrops(from, inputSize, { margin, onSkip });
  const crops = await load(folder);
  if (other !== undefined) return { test: crops, offsetsFrom: await load(other) };
  if (split === undefined) return { test: crops };
  const { train, test } = splitCrops(crops, split, seed);
  if (test.length === 0) {
    throw new InputError(
      `--split ${split} leaves none of the ${crops.length} usable pictures to measure on. Give a smaller number.`,
    );
  }
  return { test, offsetsFrom: train };
};

/** @throws UsageError for options that have a meaning for faces only */
const refuseFaceOptions = (values: Values): void => {
  const wrong = (['offsets-from', 'split'] as const).find((name) => values[name] !== undefined);
  if (wrong === undefined) return;
  throw new UsageError(
    `--${wrong} is for faces of 68 points, and these pictures have names of their own. Leave it out.`,
  );
};

/** Pictures with names of their own. */
const runNamed = async (values: Values, source: Source, file: string): Promise<void> => {
  refuseFaceOptions(values);
  const skipped = createSkipLog();
  const points = await readPointsFile(file);
  const report = await withModel(values, async (model) => {
    const load = async (folder: string, path: string): Promise<NamedCrop[]> =>
      loadNamedCrops(folder, await readPointsFile(path), cropShape(values, model), points.names, skipped);
    const test = await load(values.data, file);
    const references = async (): Promise<NamedReferences> => {
      if (source.kind === 'set') {
        const set = await readLandmarkSet(source.file, values.model);
        checkLandmarkSet(set, model.manifest, { landmarks: source.file, model: values.model });
        return { kind: 'set', set };
      }
      const { folder, shots } = source;
      const isSame = (await realpath(folder)) === (await realpath(values.data));
      const crops = isSame ? test : await load(folder, join(folder, annotationsName));
      return { kind: 'pictures', crops, shots, draws: values.draws, seed: values.seed };
    };
    return evaluateNamed({
      ...{ model, names: points.names, test, references: await references() },
      onProgress: createProgress('pictures'),
    });
  });
  skipped.finish();
  const perPoint = printPerPoint(points.names, report.points, values.json);
  printResult(
    {
      images: report.images,
      ...pointFigures(report),
      ...(values.json ? { per_point: perPoint } : {}),
    },
    values.json,
  );
};

export const run = createRun(command, async ({ values }) => {
  const source = sourceOf(values);
  const file = values.annotations ?? join(values.data, annotationsName);
  const content = await readJson(file, `Give a folder of pictures with their ${annotationsName}.`);
  if (typeof content === 'object' && content !== null && 'names' in content) {
    await runNamed(values, source, file);
    return;
  }
  const folder = await readAnnotatedFolder(values.data);
  const skipped = createSkipLog();
  const result = await withModel(values, async (model) => {
    const pictures = await loadPictures(values, folder, cropShape(values, model), skipped);
    const crops = [...pictures.test, ...(pictures.offsetsFrom ?? [])];
    return evaluateLandmarks({
      model,
      ...pictures,
      references: await readReferences(source, values, model, { path: folder.path, crops }, skipped),
      points: values.points,
      onProgress: createProgress('pictures'),
    });
  });
  skipped.finish();
  printAccuracy(result, values.json);
});
