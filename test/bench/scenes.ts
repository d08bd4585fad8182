/** Moving scenes without a face in them, made from clips and by drawing. All frames are RGB, as large as asked for. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Point, Size } from '../../src/geometry/coordinates.ts';
import type { PixelImage } from '../../src/pipeline/crop.ts';
import { createPictureSet } from '../../src/train/views/pictures.ts';
import { createRandom, type Random } from '../../src/augment/random.ts';
import { createTexturePainter } from '../../src/train/views/textures.ts';
import { openVideo } from '../../src/media-node/open-video.ts';

/** Consecutive frames of one scene. */
export type Scene = { kind: string; name: string; frames: PixelImage[] };

/** A rectangle of a picture, pixels. */
type Box = { left: number; top: number; width: number; height: number };

export const evalClips = ['cap12', 'd0', 'd3', 'd6', 'd9', 'd10', 'd11', 'singer'];

const toImage = (data: Buffer, { width, height }: Size): PixelImage => ({
  data: new Uint8Array(data),
  width,
  height,
  channels: 3,
});

/** Cuts a rectangle out of a picture and enlarges it to fill a frame (its edges are cut where the shape differs). */
const cutOut = async (picture: PixelImage, box: Box, size: Size): Promise<PixelImage> => {
  const { width, height } = picture;
  const data = await sharp(picture.data, { raw: { width, height, channels: 3 } })
    .extract(box)
    .resize(size.width, size.height, { fit: 'cover' })
    .raw()
    .toBuffer();
  return toImage(data, size);
};

/** Frames of a video from `first` on, every `step`th. */
const readFrames = async (
  path: string,
  { first, step, count }: { first: number; step: number; count: number },
): Promise<PixelImage[]> => {
  const video = await openVideo(path);
  const frames: PixelImage[] = [];
  try {
    for await (const { index, rgb } of video.frames) {
      if (index < first || (index - first) % step !== 0) continue;
      frames.push({ data: rgb, width: video.width, height: video.height, channels: 3 });
      if (frames.length === count) break;
    }
  } finally {
    await video.close();
  }
  return frames;
};

/** Box of the 68 points of each frame of a clip, as shares of the frame; undefined where no face is known. */
const readFaceBoxes = (file: string): (Box | undefined)[] => {
  const { width, height, frames } = JSON.parse(readFileSync(file, 'utf8')) as {
    width: number;
    height: number;
    frames: { found: boolean; points: [number, number][] | number[] | null }[];
  };
  return frames.map(({ found, points }) => {
    const flat = points?.flat() ?? [];
    if (!found || flat.length === 0) return undefined;
    const xs = flat.filter((_, i) => i % 2 === 0).map((x) => x / width);
    const ys = flat.filter((_, i) => i % 2 === 1).map((y) => y / height);
    const [left, top] = [Math.min(...xs), Math.min(...ys)];
    return { left, top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
  });
};

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/** The head about some faces' boxes: hair, ears and chin with it, pixels of the frame. */
const headOf = (boxes: readonly Box[], { width, height }: Size): Box => {
  const left = Math.min(...boxes.map((box) => box.left - 0.35 * box.width));
  const right = Math.max(...boxes.map((box) => box.left + 1.35 * box.width));
  const top = Math.min(...boxes.map((box) => box.top - 0.7 * box.height));
  const bottom = Math.max(...boxes.map((box) => box.top + 1.2 * box.height));
  const [x, y] = [Math.floor(clamp(left, 0, 1) * width), Math.floor(clamp(top, 0, 1) * height)];
  return {
    left: x,
    top: y,
    width: Math.ceil(clamp(right, 0, 1) * width) - x,
    height: Math.ceil(clamp(bottom, 0, 1) * height) - y,
  };
};

/** What is left of a frame beside the head: strips that are not too narrow to be a picture. */
const stripsAround = (head: Box, { width, height }: Size): Box[] =>
  [
    { left: 0, top: 0, width: head.left, height },
    { left: head.left + head.width, top: 0, width: width - head.left - head.width, height },
    { left: 0, top: 0, width, height: head.top },
    { left: 0, top: head.top + head.height, width, height: height - head.top - head.height },
  ].filter((box) => Math.min(box.width, box.height) >= 0.12 * Math.min(width, height));

/** Puts a patch over the head, in the colour of what is around it. */
const cover = (picture: PixelImage, head: Box): PixelImage => {
  const { width, height } = picture;
  const data = Uint8Array.from(picture.data);
  const mean = [0, 0, 0];
  let count = 0;
  for (let y = 0; y < height; y += 4) {
    for (const x of [Math.max(0, head.left - 2), Math.min(width - 1, head.left + head.width + 1)]) {
      for (let c = 0; c < 3; c++) mean[c] += picture.data[(y * width + x) * 3 + c];
      count++;
    }
  }
  for (let y = head.top; y < head.top + head.height; y++) {
    for (let x = head.left; x < head.left + head.width; x++) {
      for (let c = 0; c < 3; c++) data[(y * width + x) * 3 + c] = mean[c] / count;
    }
  }
  return { ...picture, data };
};

/** Backgrounds of the evaluation clips: beside the head, cut out and enlarged, and whole with the head covered. */
export const clipScenes = async (data: string, size: Size, count: number): Promise<Scene[]> => {
  const folder = join(data, 'eval', 'videos');
  const scenes: Scene[] = [];
  for (const clip of evalClips) {
    const boxes = readFaceBoxes(join(folder, `${clip}.mediapipe.json`));
    for (const first of [10, 40]) {
      const frames = await readFrames(join(folder, `${clip}.mp4`), { first, step: 2, count });
      const known = boxes.slice(first, first + 2 * count).filter((box) => box !== undefined);
      if (frames.length < count || known.length < count) continue;
      const head = headOf(known, frames[0]);
      for (const [index, strip] of stripsAround(head, frames[0]).entries()) {
        scenes.push({
          kind: 'scenery',
          name: `${clip}-${first}-${index}`,
          frames: await Promise.all(frames.map((frame) => cutOut(frame, strip, size))),
        });
      }
      const whole = { left: 0, top: 0, width: frames[0].width, height: frames[0].height };
      scenes.push({
        kind: 'head covered',
        name: `${clip}-${first}`,
        frames: await Promise.all(frames.map((frame) => cutOut(cover(frame, head), whole, size))),
      });
    }
  }
  return scenes;
};

const isSkin = (r: number, g: number, b: number): boolean => r > 95 && r > 1.15 * g && g > b && r - b > 25;

/** Mean place of the skin-coloured pixels that moved between two frames, below a line; undefined where few did. */
const handPlace = (before: PixelImage, now: PixelImage, from: number): Point | undefined => {
  let [x, y, count] = [0, 0, 0];
  for (let row = from; row < now.height; row += 2) {
    for (let column = 0; column < now.width; column += 2) {
      const at = (row * now.width + column) * 3;
      const moved =
        Math.abs(now.data[at] - before.data[at]) + Math.abs(now.data[at + 1] - before.data[at + 1]);
      if (moved < 40 || !isSkin(now.data[at], now.data[at + 1], now.data[at + 2])) continue;
      x += column;
      y += row;
      count++;
    }
  }
  return count < 30 ? undefined : { x: x / count, y: y / count };
};

/**
 * Hands of signers, followed and enlarged, their frames from the neck down, and the lower half of these. One signer's
 * shirt shows a skull as large as the chest.
 */
export const signerScenes = async (
  data: string,
  clips: readonly string[],
  size: Size,
  count: number,
): Promise<Scene[]> => {
  const scenes: Scene[] = [];
  /** Signers stand; above this share of the frame is the face. */
  const neck = 0.36;
  for (const clip of clips) {
    const path = join(data, 'train', 'videos', 'asl', `${clip}.mkv`);
    const frames = await readFrames(path, { first: 12, step: 2, count: count + 1 });
    if (frames.length < count + 1) continue;
    const { width, height } = frames[0];
    const top = Math.round(neck * height);
    for (const [kind, from] of [['neck down', top] as const, ['lower half', height >> 1] as const]) {
      const below = { left: 0, top: from, width, height: height - from };
      scenes.push({
        ...{ kind, name: clip },
        frames: await Promise.all(frames.slice(1).map((frame) => cutOut(frame, below, size))),
      });
    }
    const side = Math.round(0.3 * height);
    let place: Point | undefined;
    const hands: PixelImage[] = [];
    for (let t = 1; t < frames.length; t++) {
      const seen = handPlace(frames[t - 1], frames[t], top);
      if (seen !== undefined) {
        place = {
          x: 0.5 * (place?.x ?? seen.x) + 0.5 * seen.x,
          y: 0.5 * (place?.y ?? seen.y) + 0.5 * seen.y,
        };
      }
      if (place === undefined) continue;
      const left = Math.round(clamp(place.x - side / 2, 0, width - side));
      const box = {
        left,
        top: Math.round(clamp(place.y - side / 2, top, height - side)),
        width: side,
        height: side,
      };
      hands.push(await cutOut(frames[t], box, size));
    }
    if (hands.length > 5) scenes.push({ kind: 'hands', name: clip, frames: hands });
  }
  return scenes;
};

/** A still picture as a stream: a little camera movement and sensor noise. */
export const streamOf = (picture: PixelImage, size: Size, count: number, random: Random): PixelImage[] => {
  let [x, y] = [(picture.width - size.width) / 2, (picture.height - size.height) / 2];
  return Array.from({ length: count }, () => {
    x = clamp(x + random.normal(0, 1.5), 0, picture.width - size.width);
    y = clamp(y + random.normal(0, 1.5), 0, picture.height - size.height);
    const [left, top] = [Math.round(x), Math.round(y)];
    const data = new Uint8Array(size.width * size.height * 3);
    for (let row = 0; row < size.height; row++) {
      const from = ((row + top) * picture.width + left) * 3;
      for (let i = 0; i < size.width * 3; i++) {
        const noise = ((random.bits() & 255) - 127.5) / 32;
        data[row * size.width * 3 + i] = clamp(picture.data[from + i] + noise, 0, 255);
      }
    }
    return { ...size, data, channels: 3 };
  });
};

/** Shapes, lines and words at random places: charts, slides, children's drawings without faces. */
const drawShapes = (width: number, height: number, random: Random): string => {
  const color = (): string => `hsl(${random.int(360)} ${random.int(100)}% ${random.int(100)}%)`;
  const x = (): number => random.int(width);
  const y = (): number => random.int(height);
  const shape = (): string => {
    const style = random.chance(0.5)
      ? `fill="${color()}"`
      : `fill="none" stroke="${color()}" stroke-width="${1 + random.int(12)}"`;
    switch (random.int(5)) {
      case 0:
        return `<circle cx="${x()}" cy="${y()}" r="${5 + random.int(120)}" ${style}/>`;
      case 1:
        return `<rect x="${x()}" y="${y()}" width="${random.int(250)}" height="${random.int(250)}" ${style}/>`;
      case 2:
        return `<path d="M${x()} ${y()}Q${x()} ${y()} ${x()} ${y()}T${x()} ${y()}" ${style}/>`;
      case 3:
        return `<text x="${x()}" y="${y()}" font-size="${12 + random.int(90)}" ${style}>window ${random.int(1000)}</text>`;
      default:
        return `<polygon points="${x()},${y()} ${x()},${y()} ${x()},${y()}" ${style}/>`;
    }
  };
  const shapes = Array.from({ length: 4 + random.int(40) }, shape).join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="${color()}"/>${shapes}</svg>`;
};

/** Drawings, noise and textures, made by code. */
export const drawnScenes = async (size: Size, perKind: number, count: number): Promise<Scene[]> => {
  const large = { width: size.width + 32, height: size.height + 32 };
  const side = 768;
  const grey = { file: 'grey', width: 64, height: 64, rgb: new Uint8Array(3 * 64 * 64).fill(128) };
  const painter = createTexturePainter(createPictureSet([grey]), side);
  const scenes: Scene[] = [];
  const fromPlanes = async (planes: Float32Array): Promise<PixelImage> => {
    const plane = side * side;
    const data = new Uint8Array(3 * plane);
    for (let i = 0; i < plane; i++) {
      for (let c = 0; c < 3; c++) data[3 * i + c] = clamp(255 * planes[c * plane + i], 0, 255);
    }
    const whole = { left: 0, top: 0, width: side, height: side };
    return cutOut({ data, width: side, height: side, channels: 3 }, whole, large);
  };
  const painted = (paint: (out: Float32Array) => void): Promise<PixelImage> => {
    const planes = new Float32Array(3 * side * side);
    paint(planes);
    return fromPlanes(planes);
  };
  for (let index = 0; index < perKind; index++) {
    const random = createRandom(7, index);
    const pictures: Record<string, PixelImage> = {
      drawing: toImage(
        await sharp(Buffer.from(drawShapes(large.width, large.height, random.split(1))))
          .removeAlpha()
          .raw()
          .toBuffer(),
        large,
      ),
      noise: await painted((out) => {
        if (index % 2 === 0) painter.noise(out, random.split(2));
        else for (let i = 0; i < out.length; i++) out[i] = random.uniform();
      }),
      texture: await painted((out) => {
        if (index % 3 === 0) painter.stripes(out, random.split(3));
        else if (index % 3 === 1) painter.text(out, random.split(3));
        else painter.gradient(out, random.split(3));
      }),
    };
    for (const [kind, picture] of Object.entries(pictures)) {
      const frames = streamOf(picture, size, count, random.split(4));
      scenes.push({ kind, name: String(index), frames });
    }
  }
  return scenes;
};
