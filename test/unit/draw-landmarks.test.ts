import { describe, expect, it } from 'vitest';
import {
  confidenceColor,
  drawLandmarks,
  type DrawableResult,
  type DrawingContext,
} from '../../src/draw/draw-landmarks.ts';
import { InputError } from '../../src/errors.ts';
import { createResult } from '../../src/pipeline/result.ts';

type Mark = { kind: 'dot' | 'line' | 'closed'; at: [number, number][]; color: string; alpha: number };

/** A canvas that remembers what was drawn on it. */
const createCanvas = (width: number, height: number) => {
  const marks: Mark[] = [];
  let at: [number, number][] = [];
  let isClosed = false;
  let depth = 0;
  const colour = (style: DrawingContext['fillStyle']): string =>
    typeof style === 'string' ? style : 'pattern';
  const context: DrawingContext = {
    canvas: { width, height },
    fillStyle: '',
    strokeStyle: '',
    lineWidth: 1,
    lineJoin: 'miter',
    globalAlpha: 1,
    save: () => {
      depth++;
    },
    restore: () => {
      depth--;
    },
    beginPath: () => {
      at = [];
      isClosed = false;
    },
    closePath: () => {
      isClosed = true;
    },
    moveTo: (x, y) => void at.push([x, y]),
    lineTo: (x, y) => void at.push([x, y]),
    arc: (x, y) => void at.push([x, y]),
    fill: () =>
      void marks.push({ kind: 'dot', at, color: colour(context.fillStyle), alpha: context.globalAlpha }),
    stroke: () =>
      void marks.push({
        kind: isClosed ? 'closed' : 'line',
        at,
        color: colour(context.strokeStyle),
        alpha: context.globalAlpha,
      }),
  };
  return { context, marks, depth: () => depth };
};

const landmark = (x: number, y: number, confidence: number, visible = true) => ({
  name: `${x} ${y}`,
  x,
  y,
  normalized: { x: x / 200, y: y / 100 },
  confidence,
  visible,
  raw: { x: x + 2, y },
});

const place = {
  id: 1,
  roi: { center: { x: 100, y: 50 }, size: 40, rotation: 0 },
  landmarks: [landmark(50, 20, 1), landmark(100, 50, 0.5), landmark(150, 80, 0, false)],
};
const about = { timestamp: 1, width: 200, height: 100 };
const result = createResult(about, [{ status: 'tracking', ...place }]);

describe('drawLandmarks', () => {
  it('draws a dot for each visible point, where it is on a canvas of another size, coloured by confidence', () => {
    const { context, marks, depth } = createCanvas(400, 400);
    drawLandmarks(context, result);
    expect(marks.map(({ at }) => at)).toEqual([[[100, 80]], [[200, 200]]]);
    expect(marks.map(({ color }) => color)).toEqual([confidenceColor(1), confidenceColor(0.5)]);
    expect(depth()).toBe(0);
  });

  it('draws lines between points that are both visible, in the colour of the less sure one', () => {
    const { context, marks } = createCanvas(200, 100);
    drawLandmarks(context, result, {
      points: false,
      connections: [
        [0, 1],
        [1, 2],
      ],
    });
    expect(marks).toMatchObject([
      {
        kind: 'line',
        at: [
          [50, 20],
          [100, 50],
        ],
        color: confidenceColor(0.5),
      },
    ]);
  });

  it('draws hidden points faintly when asked', () => {
    const { context, marks } = createCanvas(200, 100);
    drawLandmarks(context, result, { hidden: true, color: 'blue' });
    expect(marks.map(({ color }) => color)).toEqual(['blue', 'blue', 'blue']);
    expect(marks[2].alpha).toBeLessThan(marks[0].alpha);
  });

  it('draws the ROI and the raw points when asked', () => {
    const { context, marks } = createCanvas(400, 200);
    drawLandmarks(context, result, { roi: true, raw: true });
    expect(marks[0]).toMatchObject({
      kind: 'closed',
      at: [
        [160, 60],
        [240, 60],
        [240, 140],
        [160, 140],
      ],
    });
    expect(marks[1].at).toEqual([[104, 40]]);
  });

  it('draws nothing while searching', () => {
    const { context, marks } = createCanvas(200, 100);
    const searching: DrawableResult = { status: 'searching' };
    drawLandmarks(context, searching, { roi: true });
    expect(marks).toEqual([]);
  });

  it('refuses an option that does not exist', () => {
    const { context } = createCanvas(200, 100);
    const options: object = { colour: 'red' };
    expect(() => {
      drawLandmarks(context, result, options);
    }).toThrow(InputError);
  });

  it('draws every object, and a doubtful one where it was last', () => {
    const other = { ...place, id: 2, landmarks: [landmark(10, 10, 1)] };
    const both = createResult(about, [
      { status: 'doubtful', doubts: 1, ...place },
      { status: 'tracking', ...other },
    ]);
    const { context, marks } = createCanvas(200, 100);
    drawLandmarks(context, both);
    expect(marks.map(({ at }) => at)).toEqual([[[50, 20]], [[100, 50]], [[10, 10]]]);
  });

  it('draws the lines that the result brings, unless told others or none', () => {
    const lines = (connections?: [number, number][] | false): number => {
      const { context, marks } = createCanvas(200, 100);
      drawLandmarks(
        context,
        { ...result, connections: [[0, 1]] },
        connections === undefined ? {} : { connections },
      );
      return marks.filter(({ kind }) => kind === 'line').length;
    };
    expect(lines()).toBe(1);
    expect(lines(false)).toBe(0);
    expect(lines([])).toBe(0);
  });

  it.each([[[0, 3]], [[-1, 0]], [[0, 0.5]]])('refuses a line %j to a landmark that is not there', (line) => {
    const draw = () => {
      drawLandmarks(createCanvas(200, 100).context, result, { connections: [line as [number, number]] });
    };
    expect(draw).toThrow(InputError);
    expect(draw).toThrow('3 landmarks');
  });

  it('draws the frame that the result carries below, over the whole canvas, unless it is closed or not wanted', () => {
    const drawn = (codedWidth: number, options = {}): unknown[][] => {
      const calls: unknown[][] = [];
      const { context } = createCanvas(400, 300);
      context.drawImage = (...given: unknown[]) => void calls.push(given.slice(1));
      // The part of a VideoFrame that is looked at.
      const frame = { codedWidth } as VideoFrame;
      drawLandmarks(context, { ...createResult(about, []), frame }, options);
      return calls;
    };
    expect(drawn(200)).toEqual([[0, 0, 400, 300]]);
    expect(drawn(0)).toEqual([]);
    expect(drawn(200, { frame: false })).toEqual([]);
  });
});
