import { describe, expect, it } from 'vitest';
import type { LandmarkSet } from '../../src/landmarks/landmark-set.ts';
import { leastCosine, ReferenceAdapter } from '../../src/landmarks/reference-adapter.ts';

const channels = 4;
/** Unit vectors in the plane of the first two channels. */
const turned = (degrees: number): number[] => {
  const angle = (degrees * Math.PI) / 180;
  return [Math.cos(angle), Math.sin(angle), 0, 0];
};
const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from({ length: channels }, (_, c) => a[c] * b[c]).reduce((sum, one) => sum + one);

const set: LandmarkSet = {
  ...{ category: 'thing', embeddingSize: channels, names: ['a', 'b'], connections: [], mirrorPairs: [] },
  meanShape: [
    { x: 0.3, y: 0.5 },
    { x: 0.7, y: 0.5 },
  ],
  references: Float32Array.from([...turned(0), ...turned(90)]),
  evidence: { object: 2, background: -2 },
};
const sure = (degrees: number) => ({ certainty: 1, embedding: Float32Array.from(turned(degrees)) });
const nothing = { certainty: 1, embedding: undefined };

describe('references that follow an object', () => {
  it('go to what is surely seen, slowly, and leave the set as it was', () => {
    const before = set.references.slice();
    const adapter = new ReferenceAdapter(set);
    adapter.learn([sure(15), nothing]);
    const once = adapter.landmarkSet.references;
    expect(cosine(once, turned(15))).toBeGreaterThan(cosine(set.references, turned(15)));
    expect(cosine(once, turned(0))).toBeGreaterThan(0.9999);
    for (let frame = 0; frame < 600; frame++) adapter.learn([sure(15), nothing]);
    const { references } = adapter.landmarkSet;
    expect(cosine(references, turned(15))).toBeGreaterThan(0.999);
    expect(references.subarray(channels)).toEqual(set.references.subarray(channels));
    expect(set.references).toEqual(before);
  });

  it('never go further than their bound, however long and whatever they are led by', () => {
    const adapter = new ReferenceAdapter(set);
    // Each look is near the reference of the moment: step by step it would be led to any place.
    for (let frame = 0; frame < 5000; frame++) adapter.learn([sure(Math.min(85, frame / 20)), sure(90)]);
    for (let frame = 0; frame < 5000; frame++) adapter.learn([sure(40), sure(90)]);
    const { references } = adapter.landmarkSet;
    expect(cosine(references, set.references)).toBeGreaterThanOrEqual(leastCosine - 1e-6);
    expect(cosine(references, set.references)).toBeLessThan(leastCosine + 0.01);
    expect(Math.hypot(...references.subarray(0, channels))).toBeCloseTo(1, 5);
  });

  it('learn nothing from doubtful looks, other places and what is not seen, and begin anew when told to', () => {
    const adapter = new ReferenceAdapter(set);
    adapter.learn([{ ...sure(15), certainty: 0.8 }, sure(0)]);
    adapter.learn([nothing, nothing]);
    // The very same object: who does not learn looks with nothing else than who has no adapter.
    expect(adapter.landmarkSet).toBe(set);
    adapter.learn([sure(15), sure(90)]);
    expect(adapter.landmarkSet).not.toBe(set);
    adapter.reset();
    expect(adapter.landmarkSet).toBe(set);
  });

  it('of what bends change the one of several that the landmark looks like', () => {
    const references = Float32Array.from([...turned(0), ...turned(90), ...turned(60), ...turned(150)]);
    const bending: LandmarkSet = { ...set, parts: { bones: [[0, 1, 0.4]], references } };
    const adapter = new ReferenceAdapter(bending);
    adapter.learn([sure(50), nothing]);
    const { parts, references: own } = adapter.landmarkSet;
    const learnt = parts?.references ?? expect.unreachable('the set lost its parts');
    expect(own).toBe(set.references);
    expect(cosine(learnt.subarray(2 * channels), turned(50))).toBeGreaterThan(cosine(turned(60), turned(50)));
    for (const row of [0, 1, 3]) {
      expect(learnt.subarray(row * channels, (row + 1) * channels)).toEqual(
        references.subarray(row * channels, (row + 1) * channels),
      );
    }
  });
});
