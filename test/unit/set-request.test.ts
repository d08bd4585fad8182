import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { checkSetRequest, type SetPicture, type SetRequest } from '../../src/landmark-maker/set-request.ts';

const image = { data: new Uint8Array(0), width: 100, height: 80, channels: 3 as const };
const points = [
  { x: 10, y: 10 },
  { x: 60, y: 20 },
  { x: 30, y: 70 },
];
const names = ['a', 'b', 'c'];
const roi = { center: { x: 50, y: 40 }, size: 60, rotation: 0 };

const request = (changes: Partial<SetRequest> = {}, picture: Partial<SetPicture> = {}): SetRequest => ({
  pictures: [{ image, points, ...picture }],
  names,
  ...changes,
});

const many = Array.from({ length: 2000 }, (_, n) => ({ x: n % 100, y: 1 }));

describe('checkSetRequest', () => {
  it('takes points of one picture, with and without a ROI', () => {
    expect(() => {
      checkSetRequest(request());
      checkSetRequest(request({ names: ['a'] }, { points: points.slice(0, 1), roi }));
      checkSetRequest(request({ connections: [[0, 2]], mirrorPairs: [[0, 1]], unit: [1, 2] }));
    }).not.toThrow();
  });

  it.each<[string, SetRequest, RegExp]>([
    ['no pictures', request({ pictures: [] }), /^pictures is an empty list.*Mark/],
    [
      'names that are no list',
      request({ names: 'tip' as unknown as string[] }),
      /^names is "tip".*list of names/,
    ],
    [
      'connections that are no pairs',
      request({ connections: [3 as unknown as [number, number]] }),
      /^connections\[0\] is 3\. Give \[index, index\]/,
    ],
    ['no names', request({ names: [] }), /^names is an empty list.*Name one/],
    ['a crossed-out name', request({ names: ['a', '', 'c'] }), /^names\[1\] is "", .*Name the landmark/],
    [
      'a missing name',
      request({ names: ['a', undefined as unknown as string, 'c'] }),
      /^names\[1\] is missing/,
    ],
    ['a name given twice', request({ names: ['a', 'b', 'a'] }), /^names\[2\] is "a", as names\[0\]/],
    [
      '2,000 points',
      request({ names: many.map((_, n) => `p${n}`) }, { points: many }),
      /2000 landmarks.*500 at most/,
    ],
    [
      'too few points for the names',
      request({}, { points: points.slice(1) }),
      /pictures\[0\]\.points has 2 points for 3 names/,
    ],
    [
      'one point too many',
      request({ names: ['a'] }, { points: points.slice(0, 2) }),
      /pictures\[0\]\.points has 2 points for 1 name\./,
    ],
    [
      'a line where there is one name',
      request({ names: ['a'], connections: [[0, 1]] }, { points: points.slice(0, 1) }),
      /connections\[0\] is \[0, 1\] but the set has 1 name\./,
    ],
    [
      'a point outside of the picture',
      request({}, { points: [{ x: 101, y: 5 }, ...points.slice(1)] }),
      /pictures\[0\]\.points\[0\] is \(101, 5\), outside/,
    ],
    [
      'a point that is not a number',
      request({}, { points: [points[0], { x: NaN, y: 5 }, points[2]] }),
      /points\[1\] is \(NaN, 5\)/,
    ],
    [
      'one point and nothing that says where the object is',
      request({ names: ['a'] }, { points: points.slice(0, 1) }),
      /has 1 point, by which the object cannot be found. Mark 3/,
    ],
    ['points in one place', request({}, { points: [points[0], points[0], points[0]] }), /all in one place/],
    ['a connection beyond the names', request({ connections: [[0, 3]] }), /connections\[0\] is \[0, 3\]/],
    [
      'half a mirror pair',
      request({ mirrorPairs: [[1] as unknown as [number, number]] }),
      /mirrorPairs\[0\] is \[1\]/,
    ],
    ['a ROI without a size', request({}, { roi: { ...roi, size: 0 } }), /pictures\[0\]\.roi .*size 0/],
    [
      'a ROI for one picture of two',
      request({
        pictures: [
          { image, points, roi },
          { image, points },
        ],
      }),
      /1 of the 2 pictures/,
    ],
  ])('refuses %s', (_, bad, message) => {
    expect(() => {
      checkSetRequest(bad);
    }).toThrow(InputError);
    expect(() => {
      checkSetRequest(bad);
    }).toThrow(message);
  });
});
