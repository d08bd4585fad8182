import { join, resolve } from 'node:path';
import { InputError } from '../errors.ts';
import { writeFileAtomic } from '../files-node/atomic-file.ts';
import type { Roi } from '../geometry/roi.ts';
import { spread } from '../geometry/statistics.ts';
import { isBending } from '../landmark-maker/bones.ts';
import { buildLandmarkSet, type SetProgress } from '../landmark-maker/build-landmark-set.ts';
import { createMarkedSet } from '../landmark-maker/create-landmark-set.ts';
import { checkPicture, leastLandmarks, type SetPicture } from '../landmark-maker/set-request.ts';
import { serializeLandmarkSet, type LandmarkSet } from '../landmarks/landmark-set.ts';
import { manifestName } from '../model/manifest.ts';
import { modelFileNames, writeModelFile } from '../model/model-directory-node.ts';
import { defineCommand, UsageError } from './arguments.ts';
import { createRun } from './command-run.ts';
import { modelOptions, resultOptions, withModel } from './model-options.ts';
import { createProgress, printNote, printResult, round } from './output.ts';
import { refuseOverwrite } from './refuse-overwrite.ts';
import { readAnnotatedPictures, type AnnotatedImage } from './read-pictures.ts';
import { readPointsFile } from './read-points.ts';
import { createSkipLog } from './skipped.ts';
import { readOwnSet } from './track-input.ts';

export const summary = 'Make a landmark set for a model from annotated pictures.';

const command = defineCommand({
  name: 'dve landmarks',
  about:
    'Averages the embeddings at annotated points of one picture or, better, a few dozen into the references of a landmark\nset. Where the model has landmarks of its own, by which it finds the object, one point on one picture is enough; else it\ntakes three. Pictures may be frames of videos ({"video", "frame"}); null is a hidden point. Points whose embeddings do not\nfind their way to other pictures and back are left out. The annotations are kept in the set, so that it can be made again\nfor another model: give the old set as --points. From five pictures on, the confidence is calibrated: what share of the\nlandmarks lies within 5 % of the unit (faces: IOD) is found out with references from other pictures; and a refiner, which\ntells from all matches together where landmarks really are, is kept where it wins in cross-validation. The error of both\nis printed, percent of the unit, in views that are partly hidden.',
  options: {
    ...modelOptions,
    images: {
      type: 'string',
      placeholder: 'DIR',
      required: true,
      describe: 'Folder of the annotated pictures, and of the videos whose frames are annotated.',
    },
    points: {
      type: 'string',
      placeholder: 'FILE',
      required: true,
      describe: 'Their points: what "dve label" saves, a landmark set, or a data set’s landmarks.json.',
    },
    out: { type: 'string', placeholder: 'FILE', required: true, describe: 'Landmark set to write.' },
    limit: {
      type: 'integer',
      placeholder: 'N',
      default: 60,
      minimum: 1,
      describe: 'Pictures to use at most, spread over the file.',
    },
    bends: {
      type: 'choice',
      choices: ['yes', 'no'],
      describe:
        'Whether the object bends (arm, hand) and is found and followed by its parts. Default: no, and a line where the pictures show that it does.',
    },
    find: {
      type: 'choice',
      choices: ['network', 'points'],
      describe:
        'What the object is found by, here and in tracking: the model’s own landmarks, or these points (3 or more). Default: network where they are fewer than the model’s own.',
    },
    'without-annotations': { type: 'flag', describe: 'Do not keep the points in the set: it is smaller.' },
    tolerance: {
      type: 'number',
      placeholder: 'SHARE',
      default: 0.06,
      minimum: 0,
      describe: 'How far a point may be missed there and back, in crop sides.',
    },
    ...resultOptions,
  },
});

type Find = 'network' | 'points';

/** The points of pictures without a name are not kept in a set. */
const withoutName = ({ image, points }: AnnotatedImage): SetPicture => ({ image, points });

/** The model's own set is listed in its manifest. */
const isOwnFile = (out: string, model: string): boolean =>
  resolve(out) === resolve(model, modelFileNames.landmarks);

/**
 * The landmarks by which the network finds the object of these points; undefined where the points do it themselves.
 * @param count of the points
 */
const chooseFinder = async (
  {
    find,
    bends,
    out,
    model,
  }: { find: Find | undefined; bends: string | undefined; out: string; model: string },
  count: number,
): Promise<LandmarkSet | undefined> => {
  if (find === 'points') return undefined;
  const isOwn = isOwnFile(out, model);
  if (find === 'network') {
    if (isOwn)
      throw new UsageError('--find network wants landmarks of the model, but --out makes just these.');
    if (bends === 'yes') throw new UsageError('--bends yes is for objects that --find points finds.');
  }
  const own = isOwn || bends === 'yes' ? undefined : await readOwnSet(model);
  if (find === 'network' && own === undefined) {
    throw new InputError(
      `${model} has no landmarks by which it would find the object. Mark ${leastLandmarks} points or more, and take --find points.`,
    );
  }
  return find === 'network' || count < (own?.names.length ?? 0) ? own : undefined;
};

/** What to do where the network does not find the object of the points. */
const otherFinder = `Mark another picture, or give --find points and ${leastLandmarks} points or more`;
/** Stands where the network has not looked yet. */
const unsought: Roi = { center: { x: 0, y: 0 }, size: 1, rotation: 0 };

export const run = createRun(command, async ({ values }) => {
  const file = await readPointsFile(values.points);
  // A set keeps the pictures that could be used, no more: writing it over its points would lose the others.
  await refuseOverwrite({ out: values.out }, [
    values.points,
    ...file.pictures.map(({ picture }) => join(values.images, picture)),
    ...[manifestName, modelFileNames.model, modelFileNames.int8].map((name) => join(values.model, name)),
  ]);
  const finder = await chooseFinder(values, file.names.length);
  const skipped = createSkipLog();
  const pictures = await readAnnotatedPictures(values.images, spread(file.pictures, values.limit), {
    onSkip: skipped.onSkip,
    // Annotators guess points beyond the edge of a picture: one such picture must not refuse all the others.
    check: (picture) => {
      const { name, frame } = picture;
      const where = frame === undefined ? name : `${name}, frame ${frame}`;
      checkPicture(where, finder === undefined ? picture : { ...picture, roi: unsought }, file.names);
    },
  });
  const progress = { pictures: createProgress('pictures'), calibrated: createProgress('calibrated') };
  const request = {
    ...file,
    pictures: values['without-annotations'] ? pictures.map(withoutName) : pictures,
    ...(values.bends !== undefined && { bends: values.bends === 'yes' }),
  };
  let missed = 0;
  const onMiss = (message: string): void => {
    missed++;
    skipped.onSkip(message);
  };
  const { set, kept, refining } = await withModel(values, (session) => {
    const onProgress: SetProgress = (stage, done, total) => {
      progress[stage](done, total);
    };
    const options = { session, tolerance: values.tolerance, onProgress };
    return finder === undefined
      ? buildLandmarkSet(request, options)
      : createMarkedSet(finder, request, { ...options, onMiss, remedy: otherFinder });
  });
  const text = serializeLandmarkSet(set);
  if (isOwnFile(values.out, values.model))
    await writeModelFile(values.model, 'landmarks', new TextEncoder().encode(text));
  else await writeFileAtomic(values.out, text);
  const shapes = pictures.map(({ points }) => points.filter((point) => point !== null));
  const areWhole = shapes.every((points) => points.length === set.names.length);
  if (finder === undefined && values.bends === undefined && areWhole && isBending(shapes)) {
    printNote(
      'the points have no common shape: where the object is not found, or lost when it bends, try --bends yes',
    );
  }
  skipped.finish();
  printResult(
    {
      landmarks: set.names.length,
      pictures: pictures.length - missed,
      kept: round(kept, 3),
      evidence_object: round(set.evidence.object, 3),
      evidence_background: round(set.evidence.background, 3),
      found_by: finder === undefined ? 'points' : 'network',
      bends: set.parts !== undefined,
      calibrated: set.calibration !== undefined,
      refined: set.refiner !== undefined,
      error_matched: refining === undefined ? null : round(100 * refining.before, 3),
      error_refined: refining === undefined ? null : round(100 * refining.after, 3),
    },
    values.json,
  );
});
