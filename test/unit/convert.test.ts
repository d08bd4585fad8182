import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/convert.ts';
import { readCoco } from '../../src/cli/convert/coco.ts';
import { readDeepLabCut } from '../../src/cli/convert/deeplabcut.ts';
import { readDeepLabCutHdf5 } from '../../src/cli/convert/deeplabcut-hdf5.ts';
import { parsePointsFile, serializePointsFile, type PointsFile } from '../../src/landmarks/points-file.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dve-convert-test-'));
});
afterAll(() => rm(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

const notes: string[] = [];
const options = { video: undefined, least: 0.6, onNote: (note: string) => notes.push(note) };

const clip: PointsFile = {
  ...{ names: ['nose', 'tail, tip'], connections: [[0, 1]], mirrorPairs: [], pixels: true },
  marks: [
    { video: 'clip.mp4', frame: 2, points: [{ x: 10.5, y: 20.25 }, null] },
    {
      video: 'clip.mp4',
      frame: 7,
      points: [
        { x: 11, y: 22 },
        { x: 33, y: 44 },
      ],
    },
  ],
};

/** There and back by the command itself. */
const thereAndBack = async (name: string, ...more: string[]): Promise<PointsFile> => {
  await writeFile(at('in.json'), serializePointsFile(clip));
  await run([at('in.json'), at(name), ...more.flatMap((one) => one.split('='))]);
  const back = more.map((one) => one.replace('--to', '--from'));
  await run([at(name), at('out.json'), ...back.flatMap((one) => one.split('=')), '--video', 'clip.mp4']);
  return parsePointsFile(await readFile(at('out.json'), 'utf8'));
};

const hasLibrary = existsSync(fileURLToPath(new URL('../../node_modules/h5wasm', import.meta.url)));

describe('dve convert', () => {
  test('COCO keypoints and back', async () => {
    expect(await thereAndBack('coco.json', '--to=coco')).toEqual(clip);
    const coco = JSON.parse(await readFile(at('coco.json'), 'utf8')) as { annotations: object[] };
    expect(coco.annotations[1]).toMatchObject({
      keypoints: [11, 22, 2, 33, 44, 2],
      bbox: [11, 22, 22, 22],
      num_keypoints: 2,
    });
  });

  test('CSV of DeepLabCut and back, without the lines', async () => {
    expect(await thereAndBack('dlc.csv')).toEqual({ ...clip, connections: [] });
    expect(await readFile(at('dlc.csv'), 'utf8')).toContain('labeled-data/clip/img00002.png,10.5,20.25,,');
  });

  test.skipIf(!hasLibrary)('analysis HDF5 of SLEAP and back, without the lines', async () => {
    expect(await thereAndBack('sleap.h5')).toEqual({ ...clip, connections: [] });
  });

  test.skipIf(!hasLibrary)('HDF5 of DeepLabCut and back, without the lines', async () => {
    expect(await thereAndBack('dlc.h5', '--to=dlc')).toEqual({ ...clip, connections: [] });
    // A file tells which of both it is.
    await run([at('dlc.h5'), at('out.json'), '--video', 'clip.mp4']);
    expect(parsePointsFile(await readFile(at('out.json'), 'utf8'))).toEqual({ ...clip, connections: [] });
  });

  test('shares want the pictures', async () => {
    await writeFile(
      at('shares.json'),
      JSON.stringify({ names: ['a'], annotations: [{ picture: 'a.png', points: [[0.5, 0.5]] }] }),
    );
    await expect(run([at('shares.json'), at('x.csv')])).rejects.toThrow(/holds shares.*--images/);
    await expect(run([at('shares.json'), at('x.unknown')])).rejects.toThrow(/give --to/);
  });
});

describe('files of others', () => {
  const written = (name: string): string =>
    fileURLToPath(new URL(`../fixtures/deeplabcut/${name}`, import.meta.url));
  const labelled = [
    {
      frame: 12,
      points: [
        { x: 10.5, y: 20 },
        { x: 30, y: 40.25 },
      ],
    },
    { frame: 34, points: [null, { x: 31, y: 41 }] },
    { frame: 99, points: [{ x: 12, y: 22 }, null] },
  ];

  test.skipIf(!hasLibrary).each(['one.h5', 'individuals.h5'])(
    'HDF5 of DeepLabCut: %s of pandas',
    async (name) => {
      notes.length = 0;
      const { names, rows } = await readDeepLabCutHdf5(written(name), { ...options, video: 'clip.mp4' });
      expect(names).toEqual(['nose', 'tail base']);
      expect(rows).toEqual(labelled.map((row) => ({ video: 'clip.mp4', ...row })));
      expect(notes).toEqual(
        name === 'one.h5' ? [] : [expect.stringContaining('several individuals: one is taken') as string],
      );
    },
  );

  test.skipIf(!hasLibrary)(
    'HDF5 that holds no labelled points is refused with what to give instead',
    async () => {
      const { default: library } = await import('h5wasm/node');
      await library.ready;
      const make = (name: string, kind?: string): string => {
        const file = new library.File(at(name), 'w');
        file.create_group('df_with_missing');
        if (kind !== undefined)
          file.get('df_with_missing')?.create_attribute('pandas_type', kind, [], `S${kind.length}`);
        file.close();
        return at(name);
      };
      await expect(readDeepLabCutHdf5(make('found.h5', 'frame_table'), options)).rejects.toThrow(
        /found\.h5 holds what a network found.*CSV/,
      );
      await expect(readDeepLabCutHdf5(make('empty.h5', 'frame'), options)).rejects.toThrow(
        /has no table of labelled points/,
      );
      await expect(readDeepLabCutHdf5(make('other.h5'), options)).rejects.toThrow(
        /has no table of labelled points/,
      );
    },
  );

  test('COCO: covered and missing points are hidden, of several objects one is taken', () => {
    const value = {
      images: [{ id: 9, file_name: 'train/a.jpg', width: 64, height: 48 }],
      annotations: [
        { image_id: 9, category_id: 1, keypoints: [1, 2, 2, 3, 4, 1, 0, 0, 0] },
        { image_id: 9, category_id: 1, keypoints: [5, 5, 2, 5, 5, 2, 5, 5, 2] },
        { image_id: 9, category_id: 2, keypoints: [7, 7, 2] },
      ],
      categories: [{ id: 1, name: 'cat', keypoints: ['a', 'b', 'c'], skeleton: [[1, 3]] }],
    };
    const { rows, connections } = readCoco(value, 'coco.json', options);
    expect(rows).toEqual([
      { picture: 'a.jpg', size: { width: 64, height: 48 }, points: [{ x: 1, y: 2 }, null, null] },
    ]);
    expect(connections).toEqual([[0, 2]]);
    expect(notes.at(-1)).toContain('1 annotations are of further objects');
    expect(() => readCoco({ ...value, categories: [] }, 'coco.json', options)).toThrow(/no category/);
  });

  test('DeepLabCut: the index in three cells, likelihoods, individuals', () => {
    const labelled = [
      'scorer,,,me,me',
      'bodyparts,,,nose,nose',
      'coords,,,x,y',
      'labeled-data,clip,img0012.png,1.5,2',
      'labeled-data,clip,img0013.png,,',
    ].join('\n');
    expect(readDeepLabCut(labelled, 'c.csv', { ...options, video: 'clip.mp4' }).rows).toEqual([
      { video: 'clip.mp4', frame: 12, points: [{ x: 1.5, y: 2 }] },
    ]);
    const found = [
      'scorer,net,net,net,net,net,net',
      'individuals,one,one,one,two,two,two',
      'bodyparts,nose,nose,nose,nose,nose,nose',
      'coords,x,y,likelihood,x,y,likelihood',
      '0,1,2,0.9,8,8,0.9',
      '1,3,4,0.2,8,8,0.9',
    ].join('\r\n');
    const { names, rows } = readDeepLabCut(found, 'f.csv', options);
    expect(names).toEqual(['nose']);
    expect(rows).toEqual([{ frame: 0, points: [{ x: 1, y: 2 }], confidences: [0.9] }]);
    expect(notes.at(-1)).toContain('several individuals');
    expect(() => readDeepLabCut('a,b\n1,2', 'f.csv', options)).toThrow(/no rows "bodyparts"/);
  });
});
