import { join } from 'node:path';
import { InputError } from '../errors.ts';
import { calibrate } from '../landmarks/calibration.ts';
import { calibrationError, reliabilityTable } from '../landmarks/reliability.ts';
import { defineCommand } from './arguments.ts';
import type { CalibrationLook } from '../landmark-maker/calibration-fit.ts';
import { judgeLook, lookAtPictures } from '../landmark-maker/calibration-looks.ts';
import { refineLook } from '../pipeline/look.ts';
import { rightWithin } from '../landmark-maker/calibrate-set.ts';
import { fillHidden } from '../landmark-maker/fill-hidden.ts';
import { markedName } from '../landmarks/points-file.ts';
import { createRun } from './command-run.ts';
import { modelOptions, resultOptions } from './model-options.ts';
import { createProgress, printNote, round } from './output.ts';
import { readAnnotatedPictures } from './read-pictures.ts';
import { readPointsFile } from './read-points.ts';
import { createSkipLog } from './skipped.ts';
import { readLandmarkSet, withModelAndSet } from './track-input.ts';

export const summary = 'Hold the confidence of landmarks against how often they are right.';

const command = defineCommand({
  name: 'dve eval calibration',
  about:
    'Finds a set’s landmarks in annotated pictures and sorts them by confidence: of those given 0.9, nine in ten should be\nright, that is within 5 % of the unit (faces: inter-ocular distance) of the annotated place. Prints a line per range of\nconfidence, and the mean distance of confidence and share (expected calibration error, ece).',
  options: {
    ...modelOptions,
    landmarks: {
      type: 'string',
      placeholder: 'FILE',
      describe: 'Landmark set, instead of the model’s own.',
    },
    data: { type: 'string', placeholder: 'DIR', required: true, describe: 'Folder of annotated pictures.' },
    points: {
      type: 'string',
      placeholder: 'FILE',
      describe: 'Their points, where they are not in its landmarks.json.',
    },
    views: {
      type: 'integer',
      placeholder: 'N',
      default: 1,
      minimum: 1,
      describe: 'Views of each picture; from the second on light, optics and patches vary.',
    },
    bins: {
      type: 'integer',
      placeholder: 'N',
      default: 10,
      minimum: 1,
      describe: 'Ranges of confidence.',
    },
    unseen: { type: 'flag', describe: 'Leave out pictures that the set was made from.' },
    ...resultOptions,
  },
});

export const run = createRun(command, async ({ values }) => {
  const set = await readLandmarkSet(values.landmarks, values.model);
  const file = await readPointsFile(values.points ?? join(values.data, 'landmarks.json'));
  if (file.names.length !== set.names.length) {
    throw new InputError(
      `the landmark set has ${set.names.length} landmarks but the pictures of ${values.data} have ${file.names.length} points. Give pictures with the points of the set.`,
    );
  }
  const own = new Set(values.unseen ? set.annotations?.map(markedName) : []);
  const wanted = file.pictures.filter(
    ({ picture, frame }) =>
      !own.has(markedName(frame === undefined ? { picture } : { video: picture, frame })),
  );
  if (wanted.length === 0) {
    throw new InputError(
      `all ${file.pictures.length} pictures belong to the landmark set itself: none is unseen. Give others, or leave --unseen out.`,
    );
  }
  const skipped = createSkipLog();
  const read = await readAnnotatedPictures(values.data, wanted, skipped);
  const filled = fillHidden(read);
  const pictures = read.map(({ image }, index) => ({ image, ...filled[index] }));
  const { calibration } = set;
  if (calibration === undefined) {
    printNote(
      'dve: this landmark set has no calibration: what follows is what the network gives. Make it again with "dve landmarks".',
    );
  }
  const looks = await withModelAndSet(values, set, async (session) => {
    const judged: CalibrationLook[] = [];
    const { manifest } = session;
    const seen = lookAtPictures(pictures, {
      ...{ session, set, views: values.views },
      onProgress: createProgress('pictures'),
    });
    for await (const one of seen) {
      const found = refineLook(one.look, one.embedding, set, manifest);
      judged.push(judgeLook(one, found, set.unit, calibration?.tolerance ?? rightWithin));
    }
    return judged;
  });
  skipped.finish();
  // Nobody knows whether what was told of a hidden point is right.
  const judged = looks.flatMap((look) => {
    const confidences =
      calibration === undefined ? look.confidences : calibrate(look.confidences, look.residuals, calibration);
    return look.right.flatMap((isRight, n) =>
      isRight === undefined ? [] : [{ isRight, confidence: confidences[n] }],
    );
  });
  const confidences = judged.map(({ confidence }) => confidence);
  const right = judged.map(({ isRight }) => Number(isRight));
  const table = reliabilityTable(confidences, right, values.bins);
  const share = right.reduce((sum, value) => sum + value, 0) / right.length;
  const ece = round(calibrationError(table), 4);
  if (values.json) {
    const rows = table
      .filter(({ count }) => count > 0)
      .map(({ from, to, count, confidence, observed }) => ({
        ...{ from, to, count },
        confidence: round(confidence, 4),
        observed: round(observed, 4),
      }));
    console.log(JSON.stringify({ pictures: pictures.length, right: round(share, 4), ece, bins: rows }));
    return;
  }
  console.log('    range      landmarks  confidence  right');
  for (const { from, to, count, confidence, observed } of table) {
    const range = `${from.toFixed(2)} – ${to.toFixed(2)}`;
    const told = count === 0 ? '' : `${confidence.toFixed(3).padStart(12)}${observed.toFixed(3).padStart(7)}`;
    console.log(`${range}${String(count).padStart(12)}${told}`);
  }
  console.log(`\n${(100 * share).toFixed(1)} % of the landmarks are right; ece ${ece}`);
});
