/**
 * The 8-bit network beside the 32-bit one, on the same squares of the same frames: how far their matches and refined
 * landmarks lie apart, and what is special where a single one lies far. A match is the place of greatest similarity; where
 * two places are nearly as similar, the smallest change decides between them.
 *
 *     npx tsx test/bench/precision.ts [--model DIR] [--clips NAME,NAME] [--far PIXELS] [--json]
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Point } from '../../src/geometry/coordinates.ts';
import type { Roi } from '../../src/geometry/roi.ts';
import { soughtReferences } from '../../src/landmarks/anchors.ts';
import { openVideo } from '../../src/media-node/open-video.ts';
import type { PixelImage } from '../../src/pipeline/crop.ts';
import { lookFromMatches, refineLook } from '../../src/pipeline/look.ts';
import { createPictureCropper } from '../../src/pipeline/picture-cropper.ts';
import { openTracker, type PictureTrackers } from './picture-tracker.ts';
import { evalClips } from './scenes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const data = process.env.DVE_DATA ?? join(root, '..', 'shared', 'data');
const { values: given } = parseArgs({
  options: {
    model: { type: 'string', default: join(root, 'models', 'face') },
    clips: { type: 'string', default: evalClips.join(',') },
    far: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
const far = Number(given.far);

type Seen = { matched: Point[]; refined: Point[]; embedding: Float32Array };

const cropper = createPictureCropper<PixelImage>();

const see = async (
  { session, landmarkSet }: PictureTrackers,
  picture: PixelImage,
  roi: Roi,
): Promise<Seen> => {
  const { inputSize } = session.manifest;
  const crop = await cropper.crop(picture, [roi], inputSize);
  const references = soughtReferences(landmarkSet);
  const { matches, embedding } = await session.matchAndEmbed(crop, references);
  const look = lookFromMatches(matches, roi, landmarkSet, inputSize);
  return {
    matched: look.points,
    refined: refineLook(look, embedding, landmarkSet, session.manifest),
    embedding,
  };
};

/** Cosines of a landmark's reference with every cell of a crop. */
const similaritiesOf = (
  { session: { manifest }, landmarkSet: { references } }: PictureTrackers,
  { embedding }: Seen,
  landmark: number,
): Float64Array => {
  const { inputSize, stride, embeddingSize: channels } = manifest;
  const cells = (inputSize / stride) ** 2;
  return Float64Array.from({ length: cells }, (_, cell) => {
    let sum = 0;
    for (let c = 0; c < channels; c++)
      sum += embedding[c * cells + cell] * references[landmark * channels + c];
    return sum;
  });
};

const bestCell = (similarities: Float64Array): number => similarities.indexOf(Math.max(...similarities));

const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))] ?? 0;

type Far = {
  frame: number;
  name: string;
  pixels: number;
  /** How much more similar the 32-bit network finds its own best cell than that of the 8-bit one. */ lead: number;
};
type Measured = { frames: number; matched: number[]; refined: number[]; far: Far[]; noise: number[] };

const measure = async (clip: string, full: PictureTrackers, small: PictureTrackers): Promise<Measured> => {
  const video = await openVideo(join(data, 'eval', 'videos', `${clip}.mp4`));
  const tracker = full.createTracker();
  const measured: Measured = { frames: 0, matched: [], refined: [], far: [], noise: [] };
  try {
    for await (const { index, rgb, timestamp } of video.frames) {
      const picture: PixelImage = { data: rgb, width: video.width, height: video.height, channels: 3 };
      const result = await tracker.step(picture, timestamp);
      if (result.status !== 'tracking') continue;
      const { roi } = result;
      const [a, b] = [await see(full, picture, roi), await see(small, picture, roi)];
      measured.frames++;
      a.matched.forEach((place, n) => {
        const pixels = distance(place, b.matched[n]);
        measured.matched.push(pixels);
        measured.refined.push(distance(a.refined[n], b.refined[n]));
        const own = similaritiesOf(full, a, n);
        const other = similaritiesOf(small, b, n);
        const best = bestCell(own);
        measured.noise.push(Math.abs(own[best] - other[best]));
        if (pixels <= far) return;
        const lead = own[best] - own[bestCell(other)];
        measured.far.push({ frame: index, name: full.landmarkSet.names[n], pixels, lead });
      });
    }
  } finally {
    await video.close();
  }
  return measured;
};

const told = ({ frames, matched, refined, far: some, noise }: Measured): string =>
  [
    `${frames} frames; matches ${mean(matched).toFixed(2)} px apart on average, 99.9 % within ${quantile(matched, 0.999).toFixed(1)}, at most ${quantile(matched, 1).toFixed(1)}`,
    `  refined: ${mean(refined).toFixed(2)}, ${quantile(refined, 0.999).toFixed(1)}, ${quantile(refined, 1).toFixed(1)}`,
    `  similarities differ by ${mean(noise).toFixed(4)} on average, 99 % by less than ${quantile(noise, 0.99).toFixed(4)}`,
    `  ${some.length} of ${matched.length} matches further than ${far} px apart; the 32-bit network prefers its own place by ${quantile(
      some.map(({ lead }) => lead),
      0.5,
    ).toFixed(4)} (median), at most ${quantile(
      some.map(({ lead }) => lead),
      1,
    ).toFixed(4)}`,
  ].join('\n');

const main = async (): Promise<void> => {
  const [full, small] = [await openTracker(given.model, 'fp32'), await openTracker(given.model, 'int8')];
  const all: Measured = { frames: 0, matched: [], refined: [], far: [], noise: [] };
  const clips: Record<string, Far[]> = {};
  for (const clip of given.clips.split(',')) {
    const measured = await measure(clip, full, small);
    clips[clip] = measured.far;
    all.frames += measured.frames;
    for (const key of ['matched', 'refined', 'noise'] as const) all[key] = all[key].concat(measured[key]);
    all.far.push(...measured.far);
    if (given.json) continue;
    console.log(`${clip}: ${told(measured)}`);
    const worst = [...measured.far].sort((a, b) => b.pixels - a.pixels).slice(0, 3);
    for (const { frame, name, pixels, lead } of worst)
      console.log(`    frame ${frame}, ${name}: ${pixels.toFixed(1)} px, lead ${lead.toFixed(4)}`);
  }
  const counts = new Map<string, number>();
  for (const { name } of all.far) counts.set(name, (counts.get(name) ?? 0) + 1);
  const byName = [...counts];
  byName.sort(([, a], [, b]) => b - a);
  if (given.json) console.log(JSON.stringify({ clips, names: byName }));
  else {
    console.log(`all: ${told(all)}`);
    console.log(
      `most often: ${byName
        .slice(0, 8)
        .map(([name, count]) => `${name} ${count}`)
        .join(', ')}`,
    );
  }
  await Promise.all([full.session.close(), small.session.close()]);
};

await main();
