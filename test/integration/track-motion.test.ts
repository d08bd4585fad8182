/** `dve track`: whether landmarks are carried by motion, chosen by the landmark set or said. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import sharp from 'sharp';
import { writeBlobModel } from '../fixtures/blob-model.ts';
import { drawScene, sceneRoi } from '../fixtures/blob-scene.ts';
import { dve } from '../fixtures/run-dve.ts';

const [width, height] = [320, 240];
const note = /they are carried by motion/;

let root: string;
const at = (name: string): string => join(root, name);

type Track = { stderr: string; moved: boolean };

/** Tracks the pictures. `moved`: whether a landmark is told elsewhere than it was matched. */
const track = async (set: string, ...options: string[]): Promise<Track> => {
  const out = at('track.json');
  const { code, stderr } = await dve(
    ...['track', at('pictures'), '--model', at('model'), '--landmarks', at(set), '--out', out, ...options],
  );
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const { frames } = JSON.parse(await readFile(out, 'utf8')) as {
    frames: { points: number[][]; raw: number[][] }[];
  };
  expect(frames.at(-1)?.points.length).toBeGreaterThan(0);
  return { stderr, moved: frames.some(({ points, raw }) => JSON.stringify(points) !== JSON.stringify(raw)) };
};

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dve-motion-'));
  await writeBlobModel(at('model'));
  await mkdir(at('pictures'));
  for (let index = 0; index < 6; index++) {
    const pixels = drawScene(sceneRoi(index / 30, width, height), width, height);
    await sharp(pixels, { raw: { width, height, channels: 4 } })
      .removeAlpha()
      .png()
      .toFile(join(at('pictures'), `${index}.png`));
  }
  const rigid = JSON.parse(await readFile(join(at('model'), 'landmarks.json'), 'utf8')) as {
    meanShape: [number, number][];
    references: number[][];
  };
  const bones = rigid.meanShape
    .slice(1)
    .map(([x, y], n) => [n, n + 1, Math.hypot(x - rigid.meanShape[n][0], y - rigid.meanShape[n][1])]);
  await writeFile(at('rigid.json'), JSON.stringify(rigid));
  await writeFile(
    at('bending.json'),
    JSON.stringify({ ...rigid, parts: { bones, references: rigid.references } }),
  );
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

test('landmarks of what bends are carried by motion, and the command says so', async () => {
  const { stderr, moved } = await track('bending.json');
  expect(stderr).toMatch(note);
  expect(moved).toBe(true);
  expect((await track('bending.json', '--motion', 'no')).stderr).not.toMatch(note);
  expect((await track('bending.json', '--raw')).stderr).not.toMatch(note);
}, 120_000);

test('others are where somebody says so', async () => {
  expect((await track('rigid.json')).stderr).not.toMatch(note);
  expect((await track('rigid.json', '--motion', 'yes')).moved).toBe(true);
}, 120_000);
