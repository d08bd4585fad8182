import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTrackPainter } from '../../src/cli/draw-track.ts';
import { resultsFormat } from '../../src/cli/results-format.ts';
import { readTracks } from '../../src/cli/track-file.ts';
import { csvFormat, jsonFormat, type TrackFormat } from '../../src/pipeline/track-format.ts';
import { createPuppet, expressionNames } from '../../src/puppet/index.ts';
import { rotationOfVector } from '../../src/puppet/solid-rotation.ts';
import { inputOf, puppetFiles } from '../fixtures/puppet-files.ts';
import { InputError } from '../../src/errors.ts';
import { createResult, type ObjectPlace, type TrackResult } from '../../src/pipeline/result.ts';

const header = { width: 640, height: 480, landmarks: ['tip', 'left, outer'] };

const size = { width: 640, height: 480 };
const object: ObjectPlace = {
  id: 1,
  roi: { center: { x: 100.123, y: 50 }, size: 80, rotation: 0.25 },
  landmarks: ['tip', 'left, outer'].map((name, index) => ({
    name,
    x: 10.126 + index,
    y: 20.5,
    normalized: { x: 0, y: 0 },
    confidence: 0.987654,
    visible: true,
    raw: { x: 11, y: 21 },
  })),
};
const results: TrackResult[] = [
  createResult({ timestamp: 0, ...size }, []),
  createResult({ timestamp: 0.0333667, ...size }, [{ status: 'tracking', ...object }]),
];

/** The whole file of these results. @param files names of pictures */
const write = (format: TrackFormat, files?: readonly string[]): string =>
  [
    format.head,
    ...results.map((result, index) => format.row({ result, index, file: files?.[index] })),
    format.tail(29.97003),
  ].join('');

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tracks-'));
});
afterAll(() => rm(folder, { recursive: true }));

const file = async (name: string, content: string): Promise<string> => {
  await writeFile(join(folder, name), content);
  return join(folder, name);
};

describe('the results track file', () => {
  it('holds the results of the API, one a line, and whether confidences are calibrated', () => {
    const lines = write(resultsFormat({ ...header, calibrated: true }), ['0.png', '1.png'])
      .trimEnd()
      .split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { file: '0.png', ...results[0], calibrated: true },
      {
        ...{ file: '1.png', ...results[1], timestamp: 0.033367, calibrated: true },
        landmarks: object.landmarks.map((landmark) => ({ ...landmark, confidence: 0.9877 })),
        objects: [
          {
            ...{ status: 'tracking', ...object },
            landmarks: object.landmarks.map((landmark) => ({ ...landmark, confidence: 0.9877 })),
          },
        ],
      },
    ]);
  });
});

describe('what the network saw in little', () => {
  it('is left out of the results, which nobody would read', () => {
    const seen = createResult({ timestamp: 0, ...size }, [
      { status: 'tracking', ...object, gist: { network: undefined, means: new Int8Array(64) } },
    ]);
    expect(resultsFormat(header).row({ result: seen, index: 0 })).not.toContain('gist');
  });
});

describe('the overlay', () => {
  const drawing = { ...size, connections: [], calibrated: false, trails: 1 };
  const moved = (by: number): TrackResult =>
    createResult({ timestamp: by, ...size }, [
      {
        ...{ status: 'tracking', ...object },
        landmarks: object.landmarks.map((landmark) => ({ ...landmark, x: landmark.x + by })),
      },
    ]);

  it('writes names and confidences beside points in colours of their own, and what they are not', () => {
    const draw = createTrackPainter({ ...drawing, labels: 'all', colors: 'points' });
    const svg = draw(moved(0));
    expect(svg).toContain('>tip 0.99<');
    expect(svg).toContain('>confidence not calibrated<');
    expect(new Set([...svg.matchAll(/fill="(hsl[^"]+)"/g)].map(([, color]) => color)).size).toBe(2);
    const calibrated = createTrackPainter({
      ...drawing,
      calibrated: true,
      labels: 'names',
      colors: 'points',
    });
    expect(calibrated(moved(0))).not.toMatch(/calibrated|0\.99/);
    expect(calibrated(results[0])).toContain('>searching<');
  });

  it('draws trails as far back as is asked for, and none to where a point was lost', () => {
    const draw = createTrackPainter({ ...drawing, trails: 2, labels: 'none', colors: 'points' });
    const trails = (result: TrackResult): number => (draw(result).match(/<path/g) ?? []).length - 1;
    expect([0, 5, 10, 15].map((by) => trails(moved(by)))).toEqual([0, 2, 4, 4]);
    draw(results[0]);
    expect(trails(moved(20))).toBe(0);
  });
});

describe('the JSON track file', () => {
  it('has a doubtful frame like one without the object: nothing was measured in it', () => {
    const doubtful = createResult({ timestamp: 0, ...size }, [{ status: 'doubtful', doubts: 1, ...object }]);
    for (const { row } of [jsonFormat(header), csvFormat(header)]) {
      expect(row({ result: doubtful, index: 0 })).toBe(row({ result: results[0], index: 0 }));
    }
  });

  it('has every frame in order, with null and empty lists while searching', () => {
    expect(JSON.parse(write(jsonFormat(header)))).toEqual({
      fps: 29.97,
      width: 640,
      height: 480,
      landmarks: ['tip', 'left, outer'],
      frames: [
        { timestamp: 0, status: 'searching', roi: null, points: [], raw: [] },
        {
          timestamp: 0.033367,
          status: 'tracking',
          roi: { center: { x: 100.12, y: 50 }, size: 80, rotation: 0.25 },
          points: [
            [10.13, 20.5, 0.9877],
            [11.13, 20.5, 0.9877],
          ],
          raw: [
            [11, 21],
            [11, 21],
          ],
        },
      ],
    });
  });

  it('is read back as points per frame', async () => {
    const path = await file('own.json', write(jsonFormat(header)));
    expect(await readTracks(path, 2)).toEqual([
      undefined,
      [
        { x: 10.13, y: 20.5 },
        { x: 11.13, y: 20.5 },
      ],
    ]);
  });

  it('of another source may have flat points and say that nothing was found', async () => {
    const frames = [
      { found: true, points: [1, 2, 3, 4] },
      { found: false, points: null },
      { found: false, points: [9, 9, 9, 9] },
    ];
    expect(await readTracks(await file('other.json', JSON.stringify({ frames })), 2)).toEqual([
      [
        { x: 1, y: 2 },
        { x: 3, y: 4 },
      ],
      undefined,
      undefined,
    ]);
  });

  it.each([
    ['no JSON', 'oops', /cannot be read as JSON/],
    ['no frames', '{"frames":[]}', /no list "frames"/],
    ['frames with too few points', '{"frames":[{"points":[[1,2]]}]}', /frames\[0\] has not 2 points/],
    ['frames that are numbers', '{"frames":[1]}', /frames\[0\] is not an object/],
  ])('is refused with one line that names it: %s', async (_, content, reason) => {
    const path = await file('bad.json', content);
    await expect(readTracks(path, 2)).rejects.toThrow(InputError);
    await expect(readTracks(path, 2)).rejects.toThrow(reason);
  });
});

describe('the CSV track file', () => {
  it('has the three header rows of DeepLabCut and a row a frame, empty while searching', () => {
    expect(write(csvFormat(header)).split('\n')).toEqual([
      'scorer,dve-sdk,dve-sdk,dve-sdk,dve-sdk,dve-sdk,dve-sdk',
      'bodyparts,tip,tip,tip,"left, outer","left, outer","left, outer"',
      'coords,x,y,likelihood,x,y,likelihood',
      '0,,,,,,',
      '1,10.13,20.5,0.9877,11.13,20.5,0.9877',
      '',
    ]);
  });
});

describe('a folder of pictures', () => {
  it('has the names of its files, and an empty row for one that cannot be read', () => {
    const file = 'b, 2.png';
    const row = { result: { status: 'unreadable', timestamp: 0.04 }, index: 1, file } as const;
    expect(csvFormat(header).row(row)).toBe('"b, 2.png",,,,,,\n');
    expect(jsonFormat(header).row(row)).toBe(
      ',\n{"timestamp":0.04,"file":"b, 2.png","status":"unreadable","roi":null,"points":[],"raw":[]}',
    );
  });
});

describe('a track file with several objects', () => {
  const second: ObjectPlace = { ...object, id: 2, roi: { ...object.roi, size: 90 } };
  const both = createResult({ timestamp: 0.04, ...size }, [
    { status: 'tracking', ...object },
    { status: 'tracking', ...second },
  ]);
  const one = createResult({ timestamp: 0.08, ...size }, [
    { status: 'doubtful', doubts: 1, ...object },
    { status: 'tracking', ...second },
  ]);
  const several = { ...header, objects: 2 };

  it('has a list of those that are tracked in every frame of the JSON', () => {
    const { head, row, tail } = jsonFormat(several);
    const text = [head, ...[both, one].map((result, index) => row({ result, index })), tail(25)].join('');
    const { frames } = JSON.parse(text) as { frames: { timestamp: number; objects: { id: number }[] }[] };
    expect(frames.map(({ objects }) => objects.map(({ id }) => id))).toEqual([[1, 2], [2]]);
    expect(frames[1]).toEqual({
      timestamp: 0.08,
      objects: [
        {
          id: 2,
          status: 'tracking',
          roi: { center: { x: 100.12, y: 50 }, size: 90, rotation: 0.25 },
          points: [
            [10.13, 20.5],
            [11.13, 20.5],
          ],
          raw: [
            [11, 21],
            [11, 21],
          ],
          confidences: [0.9877, 0.9877],
        },
      ],
    });
    expect(
      JSON.parse(row({ result: { status: 'unreadable', timestamp: 1 }, index: 0, file: 'a.png' })),
    ).toEqual({
      ...{ timestamp: 1, file: 'a.png', status: 'unreadable', objects: [] },
    });
  });

  it('has columns of their own for the individuals of the CSV, empty where one is not tracked', () => {
    const { head, row } = csvFormat(several);
    const lines = head.split('\n');
    expect(lines.slice(0, 4).map((line) => line.split(',')[0])).toEqual([
      ...['scorer', 'individuals', 'bodyparts', 'coords'],
    ]);
    expect(lines[1]).toBe(`individuals,${'object 1,'.repeat(6)}${'object 2,'.repeat(6).slice(0, -1)}`);
    const cells = '10.13,20.5,0.9877,11.13,20.5,0.9877';
    expect(row({ result: both, index: 0 })).toBe(`0,${cells},${cells}\n`);
    expect(row({ result: one, index: 1 })).toBe(`1,${','.repeat(6)}${cells}\n`);
  });
});

describe('the track file with a puppet', () => {
  const place = { rotation: rotationOfVector(0, 0.5, 0), translation: Float64Array.of(2, 0, -60) };
  // What the network says is stretched from 0.1–1 to 0–1: below it is silent.
  const puppet = createPuppet(puppetFiles({ mouthFunnel: 0.55 }));
  const puppets = new Map([[object.id, puppet.update(inputOf(place, 0))]]);
  const about = { fieldOfView: 48, expressions: expressionNames, unsupported: puppet.unsupported };

  it('has pose and expressions in every frame of the JSON, null where nothing is tracked', () => {
    const format = jsonFormat({ ...header, puppet: about });
    const file = [
      format.head,
      format.row({ result: results[0], index: 0, puppets: new Map() }),
      format.row({ result: results[1], index: 1, puppets }),
      format.tail(30),
    ].join('');
    const parsed = JSON.parse(file) as {
      puppet: unknown;
      frames: { pose: { yaw: number; position: { z: number } }; expressions: Record<string, number> }[];
    };
    expect(parsed.puppet).toEqual(about);
    expect(parsed.frames[0]).toMatchObject({ pose: null, expressions: null });
    // The network says a funnel of a mouth that is shut: the fit is a little off.
    expect(Math.abs(parsed.frames[1].pose.yaw - 28.6)).toBeLessThan(2);
    expect(Math.abs(parsed.frames[1].pose.position.z + 60)).toBeLessThan(2);
    expect(Object.keys(parsed.frames[1].expressions)).toEqual([...expressionNames]);
    expect(parsed.frames[1].expressions.mouthFunnel).toBeCloseTo(0.5, 2);
  });

  it('has them as two more body parts of the CSV, with as many cells in every row', () => {
    const format = csvFormat({ ...header, puppet: about });
    const lines = [
      ...format.head.trimEnd().split('\n'),
      format.row({ result: results[0], index: 0, puppets: new Map() }).trimEnd(),
      format.row({ result: results[1], index: 1, puppets }).trimEnd(),
    ].map((line) => line.replaceAll('left, outer', 'left').split(','));
    expect(new Set(lines.map((cells) => cells.length)).size).toBe(1);
    const column = lines[1].map((part, i) => `${part} ${lines[2][i]}`);
    expect(lines[3][column.indexOf('pose yaw')]).toBe('');
    expect(Number(lines[4][column.indexOf('expressions mouthFunnel')])).toBeCloseTo(0.5, 2);
  });
});
