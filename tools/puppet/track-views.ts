/**
 * The tracker's own points on drawn heads, each found from about where it is: `tracked.json` beside `views.json`.
 *
 *   npx tsx tools/puppet/track-views.ts --views DIR --model models/face
 */
import { join } from 'node:path';
import { createRandom } from '../../src/augment/random.ts';
import { defineCommand } from '../../src/cli/arguments.ts';
import { resultOptions } from '../../src/cli/model-options.ts';
import { createProgress, printResult, round } from '../../src/cli/output.ts';
import { readLandmarkSet } from '../../src/cli/track-input.ts';
import { writeFileAtomic } from '../../src/files-node/atomic-file.ts';
import type { Roi } from '../../src/geometry/roi.ts';
import { fitSimilarity, similarityRotation, similarityScale } from '../../src/geometry/similarity.ts';
import { decodePicture } from '../../src/media-node/decode-picture.ts';
import { openNodeModel } from '../../src/model/model-node.ts';
import type { PixelImage } from '../../src/pipeline/crop.ts';
import { FrameTracker } from '../../src/pipeline/frame-tracker.ts';
import { createPictureCropper } from '../../src/pipeline/picture-cropper.ts';
import { runTool } from '../run-tool.ts';
import { readViews, type Tracked } from './read-views.ts';

const command = defineCommand({
  name: 'track-views',
  about: 'Finds the landmarks of a model in drawn heads.',
  options: {
    views: {
      type: 'string',
      placeholder: 'DIR',
      required: true,
      describe: 'Folder that render-views wrote.',
    },
    model: { type: 'string', placeholder: 'DIR', required: true, describe: 'Model directory.' },
    ...resultOptions,
  },
});

/** A tracker's second frame: what it looks through has settled by then. */
const frames = 2;

await runTool(command, async ({ values }) => {
  const { views: folder, model: directory } = values;
  const { items } = await readViews(folder);
  const landmarkSet = await readLandmarkSet(undefined, directory);
  const model = await openNodeModel(directory, { threads: 1 });
  let roi: Roi | undefined;
  const finder = { step: () => Promise.resolve(roi), reset: () => undefined };
  const cropper = createPictureCropper();
  const tracker = new FrameTracker<PixelImage, Float32Array>({
    ...{ model, cropper, landmarkSet, finder, smoothing: false },
  });
  const progress = createProgress('pictures');
  const lines: string[] = [];
  let found = 0;
  for (const [index, { image, landmarks }] of items.entries()) {
    const random = createRandom(7, index);
    const place = fitSimilarity(
      landmarkSet.meanShape,
      landmarks.map(([x, y]) => ({ x, y })),
    );
    const size = similarityScale(place);
    const about = (value: number): number => value + random.normal(0, 0.04) * size;
    const [a, b, x0, y0] = [place.a / 2, place.b / 2, place.x0, place.y0];
    roi = {
      center: { x: about(a - b + x0), y: about(b + a + y0) },
      ...{ size: size * random.uniform(0.93, 1.07), rotation: similarityRotation(place) },
    };
    const { rgb: data, width, height } = await decodePicture(join(folder, image));
    tracker.reset();
    let points: Tracked['points'] = null;
    for (let frame = 0; frame < frames; frame++) {
      const result = await tracker.step({ data, width, height, channels: 3 }, index + frame / 30);
      points =
        result.status === 'tracking'
          ? result.landmarks.map(({ raw, confidence }) => [
              round(raw.x, 2),
              round(raw.y, 2),
              round(confidence, 3),
            ])
          : null;
    }
    if (points !== null) found++;
    lines.push(JSON.stringify({ image, points }));
    progress(index + 1, items.length);
  }
  await model.close();
  await writeFileAtomic(join(folder, 'tracked.json'), `{"items":[\n${lines.join(',\n')}\n]}\n`);
  printResult({ pictures: items.length, found }, values.json);
});
