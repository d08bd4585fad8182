import { join, resolve } from 'node:path';
import { writeFileAtomic } from '../files-node/atomic-file.ts';
import { spread } from '../geometry/statistics.ts';
import { isBending } from '../landmark-maker/bones.ts';
import { buildLandmarkSet } from '../landmark-maker/build-landmark-set.ts';
import { checkPicture, type SetPicture } from '../landmark-maker/set-request.ts';
import { serializeLandmarkSet } from '../landmarks/landmark-set.ts';
import { manifestName } from '../model/manifest.ts';
import { modelFileNames, writeModelFile } from '../model/model-directory-node.ts';
import { defineCommand } from './arguments.ts';
import { createRun } from './command-run.ts';
import { modelOptions, resultOptions, withModel } from './model-options.ts';
import { createProgress, printNote, printResult, round } from './output.ts';
import { refuseOverwrite } from './refuse-overwrite.ts';
import { readAnnotatedPictures, type AnnotatedImage } from './read-pictures.ts';
import { readPointsFile } from './read-points.ts';
import { createSkipLog } from './skipped.ts';

export const summary = 'Make a landmark set for a model from annotated pictures.';

const command = defineCommand({
  name: 'dve landmarks',
  about:
    'Averages the embeddings at annotated points of one picture or, better, a few dozen into the references of a landmark\nset. Pictures may be frames of videos ({"video", "frame"}); null is a hidden point. Points whose embeddings do not find their way to other pictures and back are left out. The annotations are kept in\nthe set, so that it can be made again for another model: give the old set as --points. From five pictures on, the\nconfidence is calibrated: what share of the landmarks lies within 5 % of the unit (faces: IOD) is found out with\nreferences from other pictures; and a refiner, which tells from all matches together where landmarks really are, is\nkept where it wins in cross-validation. The error of both is printed, percent of the unit, in views that are partly hidden.',
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

/** The points of pictures without a name are not kept in a set. */
const withoutName = ({ image, points }: AnnotatedImage): SetPicture => ({ image, points });

export const run = createRun(command, async ({ values }) => {
  const file = await readPointsFile(values.points);
  // A set keeps the pictures that could be used, no more: writing it over its points would lose the others.
  await refuseOverwrite({ out: values.out }, [
    values.points,
    ...file.pictures.map(({ picture }) => join(values.images, picture)),
    ...[manifestName, modelFileNames.model, modelFileNames.int8].map((name) => join(values.model, name)),
  ]);
  const skipped = createSkipLog();
  const pictures = await readAnnotatedPictures(values.images, spread(file.pictures, values.limit), {
    onSkip: skipped.onSkip,
    // Annotators guess points beyond the edge of a picture: one such picture must not refuse all the others.
    check: (picture) => {
      const { name, frame } = picture;
      checkPicture(frame === undefined ? name : `${name}, frame ${frame}`, picture, file.names);
    },
  });
  const progress = { pictures: createProgress('pictures'), calibrated: createProgress('calibrated') };
  const { set, kept, refining } = await withModel(values, (session) =>
    buildLandmarkSet(
      {
        ...file,
        pictures: values['without-annotations'] ? pictures.map(withoutName) : pictures,
        ...(values.bends !== undefined && { bends: values.bends === 'yes' }),
      },
      {
        session,
        tolerance: values.tolerance,
        onProgress: (stage, done, total) => {
          progress[stage](done, total);
        },
      },
    ),
  );
  const text = serializeLandmarkSet(set);
  // The model's own set is listed in its manifest.
  const isOwn = resolve(values.out) === resolve(values.model, modelFileNames.landmarks);
  if (isOwn) await writeModelFile(values.model, 'landmarks', new TextEncoder().encode(text));
  else await writeFileAtomic(values.out, text);
  const shapes = pictures.map(({ points }) => points.filter((point) => point !== null));
  const areWhole = shapes.every((points) => points.length === set.names.length);
  if (values.bends === undefined && areWhole && isBending(shapes)) {
    printNote(
      'the points have no common shape: where the object is not found, or lost when it bends, try --bends yes',
    );
  }
  skipped.finish();
  printResult(
    {
      landmarks: set.names.length,
      pictures: pictures.length,
      kept: round(kept, 3),
      evidence_object: round(set.evidence.object, 3),
      evidence_background: round(set.evidence.background, 3),
      bends: set.parts !== undefined,
      calibrated: set.calibration !== undefined,
      refined: set.refiner !== undefined,
      error_matched: refining === undefined ? null : round(100 * refining.before, 3),
      error_refined: refining === undefined ? null : round(100 * refining.after, 3),
    },
    values.json,
  );
});
