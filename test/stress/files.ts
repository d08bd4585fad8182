import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { createRandom } from '../../src/augment/random.ts';
import { readPointsFile } from '../../src/cli/read-points.ts';
import { readLandmarkSet } from '../../src/cli/track-input.ts';
import { soughtReferences } from '../../src/landmarks/anchors.ts';
import { calibrate } from '../../src/landmarks/calibration.ts';
import {
  parseLandmarkSet,
  serializeLandmarkSet,
  type LandmarkSet,
} from '../../src/landmarks/landmark-set.ts';
import { manifestText, parseManifest } from '../../src/model/manifest.ts';
import { readModelDirectory } from '../../src/model/model-directory-node.ts';
import { lookFromMatches } from '../../src/pipeline/look.ts';
import { blobLandmarks, writeBlobModel } from '../fixtures/blob-model.ts';
import { blobRefiner } from '../fixtures/refined-blobs.ts';
import { mutateJson } from './mutate.ts';
import { emptyReport, tryOne, type StressReport } from './report.ts';

/** A set with everything that a set may have. */
const fullSet: LandmarkSet = {
  ...blobLandmarks,
  refiner: blobRefiner,
  unit: [0, 1],
  anchors: { meanShape: blobLandmarks.meanShape, references: blobLandmarks.references },
  calibration: { tolerance: 0.05, own: 1, mean: 1, misfit: -2, offsets: blobLandmarks.names.map(() => 0.5) },
  annotations: [{ picture: 'a.png', points: blobLandmarks.meanShape }],
};

/** Whether a set that was read works. @returns what is wrong with it */
const checkSet = (set: LandmarkSet): string | undefined => {
  const again = parseLandmarkSet(serializeLandmarkSet(set));
  if (!isDeepStrictEqual(again.names, set.names)) return 'other names when written and read again';
  const references = soughtReferences(set);
  if (!references.every(Number.isFinite)) return 'references that are no numbers';
  const count = references.length / set.embeddingSize;
  const matches = Float32Array.from({ length: 3 * count }, (_, i) => (i % 3 === 2 ? 0.5 : (i * 7) % 90));
  const roi = { center: { x: 50, y: 50 }, size: 90, rotation: 0 };
  const look = lookFromMatches(matches, roi, set, 96);
  if (!Number.isFinite(look.evidence) || !Number.isFinite(look.score)) return 'an evidence that is no number';
  if (set.calibration === undefined) return undefined;
  const told = calibrate(look.confidences, look.fit?.residuals, set.calibration);
  return [...told].every((value) => value >= 0 && value <= 1) ? undefined : 'confidences outside 0–1';
};

const pointsText = JSON.stringify({
  names: ['a', 'b', 'c'],
  connections: [[0, 1]],
  mirrorPairs: [],
  unit: [0, 2],
  annotations: [
    { picture: 'a.png', points: Array.from({ length: 3 }, (_, i) => [0.1 * i, 0.5]) },
    { picture: 'b.png', points: Array.from({ length: 3 }, (_, i) => [0.2 * i, 0.4]) },
  ],
});

/** Reads a file, whose path is given, as the command line does. @returns what is wrong with what was read */
type Reader = { text: string; name: string; read: (path: string) => Promise<string | undefined> };

const readers = (folder: string, manifest: string): Reader[] => [
  {
    ...{ name: 'manifest.json', text: manifest },
    read: async () => {
      const read = (await readModelDirectory(folder)).manifest;
      const again = parseManifest(JSON.parse(manifestText(read)));
      return isDeepStrictEqual(again, read) ? undefined : 'another manifest when written and read again';
    },
  },
  {
    ...{ name: 'set.json', text: serializeLandmarkSet(fullSet) },
    read: async (path) => checkSet(await readLandmarkSet(path, folder)),
  },
  {
    ...{ name: 'points.json', text: pointsText },
    read: async (path) => {
      const { names, pictures } = await readPointsFile(path);
      const points = pictures.flatMap((picture) => picture.points({ width: 100, height: 80 }));
      const areWhole = points.length === names.length * pictures.length;
      // A point that is null is hidden.
      return areWhole && points.every((point) => point === null || Number.isFinite(point.x + point.y))
        ? undefined
        : 'points that are none';
    },
  },
];

/** Reads `count` damaged manifests, landmark sets and files of points; the same for a seed, one by one. */
export const stressFiles = async (seed: number, count: number): Promise<StressReport> => {
  const folder = await mkdtemp(join(tmpdir(), 'dve-stress-'));
  const report = emptyReport();
  try {
    await writeBlobModel(folder);
    const kinds = readers(folder, await readFile(join(folder, 'manifest.json'), 'utf8'));
    for (let index = 0; index < count; index++) {
      const random = createRandom(seed, index);
      const { name, text, read } = kinds[index % kinds.length];
      await writeFile(join(folder, name), mutateJson(text, random));
      await tryOne(report, `${name} ${index}`, () => read(join(folder, name)));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return report;
};
