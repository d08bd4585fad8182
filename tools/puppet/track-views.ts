/**
 * The tracker's own points on drawn heads, each found from about where it is, and what its network saw of them in little; the
 * same in the mirror: `tracked.json` beside `views.json`.
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
import type { Point } from '../../src/geometry/coordinates.ts';
import type { Roi } from '../../src/geometry/roi.ts';
import { fitSimilarity, similarityRotation, similarityScale } from '../../src/geometry/similarity.ts';
import { decodePicture } from '../../src/media-node/decode-picture.ts';
import { openNodeModel } from '../../src/model/model-node.ts';
import type { RawPicture } from '../../src/media/raw-picture.ts';
import type { TrackingResult } from '../../src/pipeline/result.ts';
import type { PixelImage } from '../../src/pipeline/crop.ts';
import { FrameTracker } from '../../src/pipeline/frame-tracker.ts';
import { createPictureCropper } from '../../src/pipeline/picture-cropper.ts';
import { runTool } from '../run-tool.ts';
import { mirrorOf, readViews, type SeenHead } from './read-views.ts';

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

const seenHead = ({ landmarks, roi, gist }: TrackingResult): SeenHead => ({
  points: landmarks.map(({ raw, confidence }) => [round(raw.x, 2), round(raw.y, 2), round(confidence, 3)]),
  ...(gist === undefined
    ? {}
    : {
        roi: [roi.center.x, roi.center.y, roi.size, roi.rotation],
        gist: Buffer.from(gist.means).toString('base64'),
      }),
});

const mirrorPicture = ({ rgb, width, height, ...about }: RawPicture): RawPicture => ({
  ...{ ...about, width, height },
  rgb: Uint8Array.from({ length: rgb.length }, (_, at) => {
    const [pixel, channel] = [Math.floor(at / 3), at % 3];
    const x = pixel % width;
    return rgb[3 * (pixel - x + width - 1 - x) + channel];
  }),
});

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
  tracker.keepSeen(true);
  tracker.giveGists(true);
  const progress = createProgress('pictures');
  const lines: string[] = [];
  let found = 0;
  /** @param points of the head, pixels @param way of starting: every one is another */
  const look = async ({ rgb: data, width, height }: RawPicture, points: Point[], way: number[]) => {
    const random = createRandom(7, ...way);
    const place = fitSimilarity(landmarkSet.meanShape, points);
    const size = similarityScale(place);
    const about = (value: number): number => value + random.normal(0, 0.04) * size;
    const [a, b, x0, y0] = [place.a / 2, place.b / 2, place.x0, place.y0];
    roi = {
      center: { x: about(a - b + x0), y: about(b + a + y0) },
      ...{ size: size * random.uniform(0.93, 1.07), rotation: similarityRotation(place) },
    };
    tracker.reset();
    let seen: SeenHead | null = null;
    for (let frame = 0; frame < frames; frame++) {
      const result = await tracker.step({ data, width, height, channels: 3 }, way[0] + frame / 30);
      seen = result.status === 'tracking' ? seenHead(result) : null;
    }
    return seen;
  };
  for (const [index, { image, landmarks }] of items.entries()) {
    const points = landmarks.map(([x, y]) => ({ x, y }));
    const picture = await decodePicture(join(folder, image));
    const seen = await look(picture, points, [index]);
    const mirrored = await look(
      mirrorPicture(picture),
      mirrorOf.map((i) => ({ x: picture.width - points[i].x, y: points[i].y })),
      [index, 1],
    );
    if (seen !== null) found++;
    lines.push(JSON.stringify({ image, points: null, ...seen, mirrored }));
    progress(index + 1, items.length);
  }
  await model.close();
  await writeFileAtomic(
    join(folder, 'tracked.json'),
    `{"network":${JSON.stringify(model.manifest.files?.model.sha256)},"items":[\n${lines.join(',\n')}\n]}\n`,
  );
  printResult({ pictures: items.length, found }, values.json);
});
