import { resolve } from 'node:path';
import type { Point } from '../geometry/coordinates.ts';
import { normalize } from '../geometry/coordinates.ts';
import { imageToCrop, type Roi } from '../geometry/roi.ts';
import { fitSimilarity } from '../geometry/similarity.ts';
import { serializeLandmarkSet, type Annotation, type LandmarkSet } from '../landmarks/landmark-set.ts';
import { meanShapeOf } from '../landmark-maker/mean-shape.ts';
import { averageViews, findConsistent, type ReferenceView } from '../landmark-maker/reference-builder.ts';
import { writeFileAtomic } from '../files-node/atomic-file.ts';
import { modelFileNames, writeModelFile } from '../model/model-directory-node.ts';
import type { ModelSession } from '../model/session.ts';
import { cropToTensor } from '../pipeline/crop.ts';
import { measureEvidence } from '../landmark-maker/evidence-levels.ts';
import { roiOfShape } from '../pipeline/roi-of-shape.ts';
import { toEmbeddingMap } from '../evaluation/evaluation-model.ts';
import { defineCommand } from './arguments.ts';
import { calibrateSet } from './calibrate-set.ts';
import { createRun } from './command-run.ts';
import { modelOptions, resultOptions, withModel } from './model-options.ts';
import { createProgress, printResult, round } from './output.ts';
import { readAnnotatedPictures, type AnnotatedImage } from './read-pictures.ts';
import { readPointsFile, type PointsFile } from './read-points.ts';
import { createSkipLog } from './skipped.ts';

export const summary = 'Make a landmark set for a model from annotated pictures.';

const command = defineCommand({
  name: 'dve landmarks',
  about:
    'Averages the embeddings at annotated points of one picture or, better, a few dozen into the references of a landmark\nset. Points whose embeddings do not find their way to other pictures and back are left out. The annotations are kept in\nthe set, so that it can be made again for another model: give the old set as --points. From five pictures on, the\nconfidence is calibrated: what share of the landmarks lies within 5 % of the unit (faces: IOD) is found out with\nreferences from other pictures.',
  options: {
    ...modelOptions,
    images: {
      type: 'string',
      placeholder: 'DIR',
      required: true,
      describe: 'Folder of the annotated pictures.',
    },
    points: {
      type: 'string',
      placeholder: 'FILE',
      required: true,
      describe: 'Their points: a landmark set, or a data set’s landmarks.json.',
    },
    out: { type: 'string', placeholder: 'FILE', required: true, describe: 'Landmark set to write.' },
    limit: {
      type: 'integer',
      placeholder: 'N',
      default: 60,
      minimum: 1,
      describe: 'Pictures to use at most, spread over the file.',
    },
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

/** At most `limit` entries, evenly spread. */
const spread = <Item>(items: readonly Item[], limit: number): Item[] =>
  items.length <= limit
    ? [...items]
    : Array.from({ length: limit }, (_, index) => items[Math.floor((index * items.length) / limit)]);

/**
 * How each picture is looked at: as the tracker would, and a little smaller, larger and turned, because that is how far
 * a tracker's square is off now and then.
 */
const poses: readonly { scale: number; rotation: number }[] = [
  { scale: 1, rotation: 0 },
  { scale: 0.85, rotation: 0.12 },
  { scale: 1.18, rotation: -0.12 },
];

/** @returns (poses) of (pictures) */
const embedViews = async (
  pictures: readonly AnnotatedImage[],
  meanShape: readonly Point[],
  session: ModelSession,
): Promise<ReferenceView[][]> => {
  const { inputSize } = session.manifest;
  const progress = createProgress('pictures');
  const views: ReferenceView[][] = [];
  for (const pose of poses) {
    const ofPose: ReferenceView[] = [];
    for (const { image, points } of pictures) {
      const upright = roiOfShape(fitSimilarity(meanShape, points));
      const roi: Roi = {
        ...upright,
        size: upright.size * pose.scale,
        rotation: upright.rotation + pose.rotation,
      };
      const embedding = await session.embed(cropToTensor(image, roi, inputSize));
      ofPose.push({
        map: toEmbeddingMap(session.manifest, embedding),
        points: points.map((point) => imageToCrop(point, roi, inputSize)),
      });
      progress(views.length * pictures.length + ofPose.length, poses.length * pictures.length);
    }
    views.push(ofPose);
  }
  return views;
};

/** @returns the set, and the share of the annotated points that its references were made from */
const makeSet = async (
  file: PointsFile,
  pictures: readonly AnnotatedImage[],
  session: ModelSession,
  tolerance: number,
): Promise<{ set: LandmarkSet; kept: number }> => {
  const { manifest } = session;
  const meanShape = meanShapeOf(
    pictures.map(({ points }) => points),
    manifest.cropMargin,
  );
  const views = await embedViews(pictures, meanShape, session);
  // What is wrong in one pose of a picture is wrong in all: annotations are checked once.
  const kept = findConsistent(views[0], {
    matching: { temperature: manifest.temperature, radius: 2 },
    tolerance: tolerance * manifest.inputSize,
  });
  const references = averageViews(
    views.flat(),
    views.flatMap(() => kept),
  );
  const located = pictures.map(({ image, points }) => ({
    image,
    roi: roiOfShape(fitSimilarity(meanShape, points)),
  }));
  const evidence = await measureEvidence(session, references, located);
  const annotations = pictures.map(({ image, name, points }): Annotation => ({
    picture: name,
    points: points.map((point) => normalize(point, image)),
  }));
  const { category, embeddingSize } = manifest;
  const { names, connections, mirrorPairs, unit } = file;
  const set: LandmarkSet = {
    ...{ category, embeddingSize, names, connections, mirrorPairs },
    ...{ meanShape, references, evidence, annotations },
    ...(unit === undefined ? {} : { unit }),
  };
  const calibration = await calibrateSet(session, set, pictures, { views, kept });
  const flags = kept.flat();
  return {
    set: { ...set, ...(calibration === undefined ? {} : { calibration }) },
    kept: flags.filter((isKept) => isKept).length / flags.length,
  };
};

export const run = createRun(command, async ({ values }) => {
  const file = await readPointsFile(values.points);
  const skipped = createSkipLog();
  const pictures = await readAnnotatedPictures(values.images, spread(file.pictures, values.limit), skipped);
  const { set, kept } = await withModel(values, (session) =>
    makeSet(file, pictures, session, values.tolerance),
  );
  const text = serializeLandmarkSet(set);
  // The model's own set is listed in its manifest.
  const isOwn = resolve(values.out) === resolve(values.model, modelFileNames.landmarks);
  if (isOwn) await writeModelFile(values.model, 'landmarks', new TextEncoder().encode(text));
  else await writeFileAtomic(values.out, text);
  skipped.finish();
  printResult(
    {
      landmarks: set.names.length,
      pictures: pictures.length,
      kept: round(kept, 3),
      evidence_object: round(set.evidence.object, 3),
      evidence_background: round(set.evidence.background, 3),
      calibrated: set.calibration !== undefined,
    },
    values.json,
  );
});
