import { readFileSync } from 'node:fs';
import { expect, expectTypeOf, test } from 'vitest';
import { faceLandmarkNames, type FaceLandmarkName } from '../../src/landmarks/face-names.ts';
import { parseLandmarkSet } from '../../src/landmarks/landmark-set.ts';
import { findLandmark } from '../../src/pipeline/result.ts';

const root = new URL('../../', import.meta.url);

test('the names that are typed are those of the face model, in its order', () => {
  const set = parseLandmarkSet(readFileSync(new URL('models/face/landmarks.json', root), 'utf8'));
  expect(faceLandmarkNames).toEqual(set.names);
  expectTypeOf<FaceLandmarkName>().toExtend<Parameters<typeof findLandmark>[1]>();
  expectTypeOf<'my-own'>().toExtend<Parameters<typeof findLandmark>[1]>();
});

test('the model card lists them', () => {
  const card = readFileSync(new URL('models/face/README.md', root), 'utf8');
  expect(faceLandmarkNames.filter((name) => !card.includes(`\`${name}\``))).toEqual([]);
});
