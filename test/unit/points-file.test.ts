import { describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { fillHidden } from '../../src/landmark-maker/fill-hidden.ts';
import { checkPointsFile, pixelsOf, serializePointsFile } from '../../src/landmarks/points-file.ts';

const read = (value: unknown) => checkPointsFile(value, 'points.json');
const two = ['nose', 'tail'];

describe('a file of points', () => {
  test('holds pictures and frames of videos, hidden points, colours; written and read it is the same', () => {
    const file = read({
      names: two,
      colors: ['#ff0000', '#00ff00'],
      connections: [[0, 1]],
      annotations: [
        { picture: 'a.png', points: [[0.25, 0.5], null] },
        {
          video: 'clip.mp4',
          frame: 12,
          points: [
            [0.1, 0.2],
            [0.3, 0.4],
          ],
        },
      ],
    });
    expect(file.marks[0].points).toEqual([{ x: 0.25, y: 0.5 }, null]);
    expect(file.marks[1]).toMatchObject({ video: 'clip.mp4', frame: 12 });
    expect(pixelsOf(file, file.marks[0], { width: 200, height: 100 })).toEqual([{ x: 50, y: 50 }, null]);
    expect(read(JSON.parse(serializePointsFile(file)))).toEqual(file);
  });

  test('of pixels has items; without names they are the 68 points of a face', () => {
    const items = [{ image: 'a.png', landmarks: [[12, 30], null] }];
    const file = read({ names: two, items });
    expect(pixelsOf(file, file.marks[0], { width: 9, height: 9 })).toEqual([{ x: 12, y: 30 }, null]);
    expect(read(JSON.parse(serializePointsFile(file)))).toEqual(file);
    const landmarks = Array.from({ length: 68 }, (_, i) => [i, i + 1]);
    expect(read({ items: [{ image: 'a.png', landmarks }] }).names).toHaveLength(68);
  });

  const pair = [
    [0.1, 0.2],
    [0.3, 0.4],
  ];
  test.each([
    [
      'pixels where shares belong',
      {
        annotations: [
          {
            picture: 'a.png',
            points: [
              [0.5, 0.5],
              [120, 80],
            ],
          },
        ],
      },
      /"tail" is \[120,80\], which looks like pixels.*Divide x by its width/,
    ],
    [
      'shares where pixels belong',
      {
        items: [
          { image: 'a', landmarks: pair },
          { image: 'b', landmarks: pair },
        ],
      },
      /looks like shares.*Multiply x/,
    ],
    [
      'a folder in a name',
      { annotations: [{ video: '../a.mp4', frame: 0, points: pair }] },
      /video "\.\.\/a\.mp4": give a file name/,
    ],
    [
      'a video without a frame',
      { annotations: [{ video: 'a.mp4', points: pair }] },
      /names a video but no "frame"/,
    ],
    [
      'a frame that is none',
      { annotations: [{ video: 'a.mp4', frame: 1.5, points: pair }] },
      /"frame" is 1\.5/,
    ],
    ['neither', { annotations: [{ points: pair }] }, /neither its picture nor its video/],
    ['too few points', { annotations: [{ picture: 'a', points: [null] }] }, /has 1 point for 2 names/],
    [
      'what is no point',
      { annotations: [{ picture: 'a', points: [[1], null] }] },
      /"nose" is neither \[x, y\] nor null/,
    ],
    ['colours of others', { colors: ['red'], annotations: [] }, /1 color for 2 names/],
    ['no list', {}, /neither "annotations".*nor "items"/],
  ])('with %s is refused with what to do', (_, rest, message) => {
    const attempt = () => read({ names: two, ...rest });
    expect(attempt).toThrow(InputError);
    expect(attempt).toThrow(message);
  });
});

describe('hidden points', () => {
  const shape = [
    { x: 0, y: 0 },
    { x: 10, y: 0 },
    { x: 10, y: 6 },
    { x: 0, y: 6 },
  ];
  const turned = shape.map(({ x, y }) => ({ x: 50 - 2 * y, y: 20 + 2 * x }));

  test('get the place that the other pictures say, and are known as guesses', () => {
    const [first, second] = fillHidden([
      { points: [shape[0], null, shape[2], shape[3]] },
      { points: [turned[0], turned[1], turned[2], null] },
    ]);
    expect(first.seen).toEqual([true, false, true, true]);
    expect(first.points[1].x).toBeCloseTo(10);
    expect(first.points[1].y).toBeCloseTo(0);
    expect(second.points[3].x).toBeCloseTo(turned[3].x);
    expect(second.points[3].y).toBeCloseTo(turned[3].y);
    expect(first.points[0]).toEqual(shape[0]);
  });

  test('with squares around the objects get the mean place in the others', () => {
    const roi = { center: { x: 5, y: 3 }, size: 20, rotation: 0 };
    const filled = fillHidden([
      { points: [...shape.slice(0, 3), null], roi },
      { points: shape, roi: { ...roi, center: { x: 6, y: 3 } } },
    ]);
    expect(filled[0].points[3].x).toBeCloseTo(-1);
    expect(filled[0].points[3].y).toBeCloseTo(6);
  });
});
