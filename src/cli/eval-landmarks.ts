import { checkLandmarkSet } from '../landmarks/landmark-set.ts';
import type { ModelSession } from '../model/session.ts';
import { readAnnotatedFolder } from '../evaluation-node/read-annotated-folder.ts';
import { evaluateLandmarks, type LandmarkReferences } from '../evaluation/evaluate-landmarks.ts';
import { type EvaluationCrop } from '../evaluation/evaluation-model.ts';
import { loadEvaluationCrops } from '../evaluation-node/load-evaluation-crops.ts';
import { defineCommand, UsageError, type OptionValues } from './arguments.ts';
import { createRun } from './command-run.ts';
import { modelOptions, resultOptions, withModel } from './model-options.ts';
import { createProgress, printAccuracy } from './output.ts';
import { createSkipLog, type SkipLog } from './skipped.ts';
import { readLandmarkSet } from './track-input.ts';

export const summary = 'Find landmarks by a few annotated pictures, or by a landmark set.';

const command = defineCommand({
  name: 'dve eval landmarks',
  about:
    'Reference embeddings from N annotated pictures (or a landmark set), nearest neighbours in the others. Percent of\nthe inter-ocular distance: mean, median over all points, share of points within 10 %, share of pictures above 10 %.',
  options: {
    ...modelOptions,
    data: {
      type: 'string',
      placeholder: 'DIR',
      required: true,
      describe: 'Pictures to measure on, with landmarks.json.',
    },
    references: {
      type: 'string',
      placeholder: 'DIR',
      describe: 'Pictures to take references from; may be the same folder: those taken are not measured.',
    },
    shots: { type: 'integer', placeholder: 'N', minimum: 1, describe: 'Reference pictures of one draw.' },
    draws: { type: 'integer', placeholder: 'N', default: 5, minimum: 1, describe: 'Draws to average over.' },
    landmarks: { type: 'string', placeholder: 'FILE', describe: 'Landmark set, instead of --references.' },
    points: {
      type: 'choice',
      choices: ['5', '51', '68'],
      default: '68',
      describe: 'Which points of the face.',
    },
    seed: { type: 'integer', placeholder: 'N', default: 1, describe: 'Seed of the draws.' },
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

const readSet = async (file: string, model: string, session: ModelSession): Promise<LandmarkReferences> => {
  const set = await readLandmarkSet(file, model);
  checkLandmarkSet(set, session.manifest, { landmarks: file, model });
  return { kind: 'set', references: set.references };
};

const readReferences = async (
  source: Source,
  values: Values,
  session: ModelSession,
  test: { path: string; crops: readonly EvaluationCrop[] },
  { onSkip }: SkipLog,
): Promise<LandmarkReferences> => {
  if (source.kind === 'set') return readSet(source.file, values.model, session);
  const folder = await readAnnotatedFolder(source.folder);
  const crops =
    folder.path === test.path
      ? test.crops
      : await loadEvaluationCrops(folder, session.manifest.inputSize, { onSkip });
  return { kind: 'pictures', crops, shots: source.shots, draws: values.draws, seed: values.seed };
};

export const run = createRun(command, async ({ values }) => {
  const source = sourceOf(values);
  const folder = await readAnnotatedFolder(values.data);
  const skipped = createSkipLog();
  const result = await withModel(values, async (model) => {
    const crops = await loadEvaluationCrops(folder, model.manifest.inputSize, skipped);
    return evaluateLandmarks({
      model,
      test: crops,
      references: await readReferences(source, values, model, { path: folder.path, crops }, skipped),
      points: values.points,
      onProgress: createProgress('pictures'),
    });
  });
  skipped.finish();
  printAccuracy(result, values.json);
});
