import type { Picture, PictureSet } from './pictures.ts';
import type { Random } from '../../augment/random.ts';
import { createSamplePositions, fillSamplePositions, renderPicture } from './render.ts';
import { createGridMap } from './grid-map.ts';

/** Things that are not the object, drawn into (3, size, size) planar RGB 0–1. */
export type TexturePainter = {
  /** One colour, or a ramp between two. */ gradient(out: Float32Array, random: Random): void;
  /** Smooth noise of one to four octaves, grey or coloured. */ noise(
    out: Float32Array,
    random: Random,
  ): void;
  /** Stripes or a chequer at any angle. */ stripes(out: Float32Array, random: Random): void;
  /** Lines of small dark or light marks, as print looks from afar. */ text(
    out: Float32Array,
    random: Random,
  ): void;
  /** A square piece of a picture, `softness` mip levels too coarse. */
  piece(out: Float32Array, picture: Picture, place: Piece, softness: number): void;
  /** A picture cut into tiles that are shuffled and turned: its texture without its object. */
  scrambled(out: Float32Array, picture: Picture, random: Random): void;
};

/** A square of a picture. */
export type Piece = {
  /** Centre, picture pixels. */ x: number;
  y: number;
  /** Picture pixels. */ side: number;
  /** Radians. */ rotation: number;
};

type Color = [number, number, number];

const drawColor = (random: Random): Color => {
  const grey = random.uniform();
  const spread = random.chance(0.4) ? 0 : random.uniform(0, 0.5);
  const channel = (): number => Math.min(1, Math.max(0, grey + spread * random.uniform(-1, 1)));
  return [channel(), channel(), channel()];
};

export const createTexturePainter = (set: PictureSet, size: number): TexturePainter => {
  const plane = size * size;
  const positions = createSamplePositions(size);
  const scratch = new Float32Array(3 * plane);

  const gradient = (out: Float32Array, random: Random): void => {
    const from = drawColor(random);
    const to = random.chance(0.5) ? from : drawColor(random);
    const angle = random.uniform(0, 2 * Math.PI);
    const stepX = Math.cos(angle) / size;
    const stepY = Math.sin(angle) / size;
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        const along = 0.5 + stepX * (column + 0.5 - size / 2) + stepY * (row + 0.5 - size / 2);
        const share = Math.min(1, Math.max(0, along));
        for (let channel = 0; channel < 3; channel++) {
          out[channel * plane + row * size + column] = from[channel] + share * (to[channel] - from[channel]);
        }
      }
    }
  };

  /** Adds `amplitude` times bilinear noise of the given number of cells per side to one plane. */
  const addOctave = (
    out: Float32Array,
    offset: number,
    cells: number,
    amplitude: number,
    random: Random,
  ): void => {
    const nodes = cells + 2;
    const lattice = Float32Array.from({ length: nodes * nodes }, () => random.uniform(-1, 1));
    const shiftX = random.uniform();
    const shiftY = random.uniform();
    for (let row = 0; row < size; row++) {
      const y = (row / size) * cells + shiftY;
      const v = y - Math.floor(y);
      const above = Math.floor(y) * nodes;
      for (let column = 0; column < size; column++) {
        const x = (column / size) * cells + shiftX;
        const left = Math.floor(x);
        const u = x - left;
        const a = above + left;
        out[offset + row * size + column] +=
          amplitude *
          ((1 - v) * (lattice[a] + u * (lattice[a + 1] - lattice[a])) +
            v * (lattice[a + nodes] + u * (lattice[a + nodes + 1] - lattice[a + nodes])));
      }
    }
  };

  const noise = (out: Float32Array, random: Random): void => {
    const color = drawColor(random);
    for (let channel = 0; channel < 3; channel++) {
      out.fill(color[channel], channel * plane, (channel + 1) * plane);
    }
    const octaves = 1 + random.int(4);
    const first = 1 + random.int(8);
    const amplitude = random.uniform(0.05, 0.5);
    const colored = random.chance(0.5);
    for (let octave = 0; octave < octaves; octave++) {
      const cells = Math.min(size, first * 2 ** octave);
      const height = amplitude * 0.7 ** octave;
      if (colored) {
        for (let channel = 0; channel < 3; channel++) {
          addOctave(out, channel * plane, cells, height, random);
        }
      } else {
        scratch.fill(0, 0, plane);
        addOctave(scratch, 0, cells, height, random);
        for (let i = 0; i < 3 * plane; i++) out[i] += scratch[i % plane];
      }
    }
    for (let i = 0; i < out.length; i++) out[i] = Math.min(1, Math.max(0, out[i]));
  };

  const stripes = (out: Float32Array, random: Random): void => {
    const colors = [drawColor(random), drawColor(random)];
    const angle = random.uniform(0, Math.PI);
    const period = random.uniform(4, size / 2);
    const chequered = random.chance(0.4);
    const cos = Math.cos(angle) / period;
    const sin = Math.sin(angle) / period;
    const phase = random.uniform();
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        const along = Math.floor(cos * column + sin * row + phase);
        const across = chequered ? Math.floor(cos * row - sin * column) : 0;
        const color = colors[(along + across) & 1];
        for (let channel = 0; channel < 3; channel++) {
          out[channel * plane + row * size + column] = color[channel];
        }
      }
    }
  };

  const text = (out: Float32Array, random: Random): void => {
    gradient(out, random);
    const ink = drawColor(random);
    const lineHeight = random.uniform(5, 16);
    const strokes = random.uniform(0.4, 0.7);
    for (let line = random.uniform(0, lineHeight); line < size; line += lineHeight) {
      let x = random.uniform(0, size / 6);
      const end = size - random.uniform(0, size / 3);
      while (x < end) {
        const width = random.uniform(0.5, 2.5) * (lineHeight / 8);
        const top = line + random.uniform(0, 0.3) * lineHeight;
        const bottom = line + random.uniform(0.4, 0.7) * lineHeight;
        if (random.chance(strokes)) {
          for (let row = Math.floor(top); row <= Math.min(size - 1, bottom); row++) {
            for (let column = Math.floor(x); column <= Math.min(size - 1, x + width); column++) {
              for (let channel = 0; channel < 3; channel++) {
                out[channel * plane + row * size + column] = ink[channel];
              }
            }
          }
        }
        x += width + random.uniform(0.5, 2);
      }
    }
  };

  const piece = (out: Float32Array, picture: Picture, place: Piece, softness: number): void => {
    const map = createGridMap(size, {
      center: { x: place.x, y: place.y },
      width: place.side,
      height: place.side,
      rotation: place.rotation,
    });
    fillSamplePositions(map, positions);
    renderPicture(set, picture, map, positions, softness, out);
  };

  const scrambled = (out: Float32Array, picture: Picture, random: Random): void => {
    const side = random.uniform(0.5, 1) * Math.min(picture.width, picture.height);
    const place: Piece = {
      x: random.uniform(side / 2, picture.width - side / 2),
      y: random.uniform(side / 2, picture.height - side / 2),
      side,
      rotation: 0,
    };
    piece(scratch, picture, place, 0);
    // Small tiles: none may hold a whole part of the object, which is worth matching.
    const tiles = 6 + random.int(5);
    const tileSide = Math.ceil(size / tiles);
    const order = random.shuffle(Int32Array.from({ length: tiles * tiles }, (_, i) => i));
    order.forEach((from, to) => {
      const turn = random.int(4);
      for (let j = 0; j < tileSide; j++) {
        for (let i = 0; i < tileSide; i++) {
          const column = (to % tiles) * tileSide + i;
          const row = Math.floor(to / tiles) * tileSide + j;
          if (column >= size || row >= size) continue;
          // Quarter turns of the tile, never a mirror.
          const last = tileSide - 1;
          const [tx, ty] = [
            [i, j],
            [j, last - i],
            [last - i, last - j],
            [last - j, i],
          ][turn];
          const sx = Math.min(size - 1, (from % tiles) * tileSide + tx);
          const sy = Math.min(size - 1, Math.floor(from / tiles) * tileSide + ty);
          for (let channel = 0; channel < 3; channel++) {
            out[channel * plane + row * size + column] = scratch[channel * plane + sy * size + sx];
          }
        }
      }
    });
  };

  return { gradient, noise, stripes, text, piece, scrambled };
};
