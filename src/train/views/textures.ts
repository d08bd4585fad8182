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
  /** Some bars, boxes and discs of any colour, plain or striped, over what is there. */ shapes(
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

type Color = readonly [number, number, number];

const drawColor = (random: Random): Color => {
  const grey = random.uniform();
  const spread = random.chance(0.4) ? 0 : random.uniform(0, 0.5);
  const channel = (): number => Math.min(1, Math.max(0, grey + spread * random.uniform(-1, 1)));
  return [channel(), channel(), channel()];
};

const setPixel = (out: Float32Array, size: number, column: number, row: number, color: Color): void => {
  for (let channel = 0; channel < 3; channel++) {
    out[(channel * size + row) * size + column] = color[channel];
  }
};

const paintGradient = (out: Float32Array, size: number, random: Random): void => {
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
        out[(channel * size + row) * size + column] = from[channel] + share * (to[channel] - from[channel]);
      }
    }
  }
};

/** Adds `amplitude` times bilinear noise of the given number of cells per side to a plane (size, size). */
const addOctave = (
  plane: Float32Array,
  size: number,
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
      plane[row * size + column] +=
        amplitude *
        ((1 - v) * (lattice[a] + u * (lattice[a + 1] - lattice[a])) +
          v * (lattice[a + nodes] + u * (lattice[a + nodes + 1] - lattice[a + nodes])));
    }
  }
};

const paintNoise = (out: Float32Array, size: number, random: Random): void => {
  const area = size * size;
  const planes = [0, 1, 2].map((channel) => out.subarray(channel * area, (channel + 1) * area));
  const color = drawColor(random);
  planes.forEach((plane, channel) => plane.fill(color[channel]));
  const octaves = 1 + random.int(4);
  const first = 1 + random.int(8);
  const amplitude = random.uniform(0.05, 0.5);
  const colored = random.chance(0.5);
  for (let octave = 0; octave < octaves; octave++) {
    const cells = Math.min(size, first * 2 ** octave);
    const height = amplitude * 0.7 ** octave;
    if (colored) {
      for (const plane of planes) addOctave(plane, size, cells, height, random);
    } else {
      const grey = new Float32Array(area);
      addOctave(grey, size, cells, height, random);
      for (let i = 0; i < out.length; i++) out[i] += grey[i % area];
    }
  }
  for (let i = 0; i < out.length; i++) out[i] = Math.min(1, Math.max(0, out[i]));
};

const paintStripes = (out: Float32Array, size: number, random: Random): void => {
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
      setPixel(out, size, column, row, colors[(along + across) & 1]);
    }
  }
};

const paintText = (out: Float32Array, size: number, random: Random): void => {
  paintGradient(out, size, random);
  const ink = drawColor(random);
  const lineHeight = random.uniform(5, 16);
  const strokes = random.uniform(0.4, 0.7);
  const paintStroke = (left: number, top: number, right: number, bottom: number): void => {
    for (let row = Math.floor(top); row <= Math.min(size - 1, bottom); row++) {
      for (let column = Math.floor(left); column <= Math.min(size - 1, right); column++) {
        setPixel(out, size, column, row, ink);
      }
    }
  };
  for (let line = random.uniform(0, lineHeight); line < size; line += lineHeight) {
    let x = random.uniform(0, size / 6);
    const end = size - random.uniform(0, size / 3);
    while (x < end) {
      const width = random.uniform(0.5, 2.5) * (lineHeight / 8);
      const top = line + random.uniform(0, 0.3) * lineHeight;
      const bottom = line + random.uniform(0.4, 0.7) * lineHeight;
      if (random.chance(strokes)) paintStroke(x, top, x + width, bottom);
      x += width + random.uniform(0.5, 2);
    }
  }
};

const paintShapes = (out: Float32Array, size: number, random: Random): void => {
  const count = 1 + random.int(12);
  for (let shape = 0; shape < count; shape++) {
    const colors = [drawColor(random), drawColor(random)];
    const halfWidth = (size / 2) * random.uniform(0.03, 0.4);
    const halfHeight = (size / 2) * random.uniform(0.03, 0.4);
    const [centerX, centerY] = [random.uniform(0, size), random.uniform(0, size)];
    const angle = random.uniform(0, Math.PI);
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const isRound = random.chance(0.3);
    const period = random.chance(0.3) ? random.uniform(2, size / 6) : Infinity;
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        const [dx, dy] = [column + 0.5 - centerX, row + 0.5 - centerY];
        const u = (cos * dx + sin * dy) / halfWidth;
        const v = (cos * dy - sin * dx) / halfHeight;
        if (isRound ? u * u + v * v > 1 : Math.abs(u) > 1 || Math.abs(v) > 1) continue;
        setPixel(out, size, column, row, colors[Math.floor(((u + 1) * halfWidth) / period) & 1]);
      }
    }
  }
};

/** A pixel of a square tile after quarter turns of the tile, never a mirror. @param last greatest index in the tile */
const turnInTile = (i: number, j: number, last: number, turns: number): readonly [number, number] =>
  (
    [
      [i, j],
      [j, last - i],
      [last - i, last - j],
      [last - j, i],
    ] as const
  )[turns];

/** Cuts a picture (3, size, size) into tiles, shuffles and turns them. @param out another picture of that size */
const shuffleTiles = (picture: Float32Array, out: Float32Array, size: number, random: Random): void => {
  const plane = size * size;
  // Small tiles: none may hold a whole part of the object, which is worth matching.
  const tiles = 6 + random.int(5);
  const tileSide = Math.ceil(size / tiles);
  const order = random.shuffle(Int32Array.from({ length: tiles * tiles }, (_, i) => i));
  order.forEach((from, to) => {
    const turns = random.int(4);
    for (let j = 0; j < tileSide; j++) {
      for (let i = 0; i < tileSide; i++) {
        const column = (to % tiles) * tileSide + i;
        const row = Math.floor(to / tiles) * tileSide + j;
        if (column >= size || row >= size) continue;
        const [tx, ty] = turnInTile(i, j, tileSide - 1, turns);
        const sx = Math.min(size - 1, (from % tiles) * tileSide + tx);
        const sy = Math.min(size - 1, Math.floor(from / tiles) * tileSide + ty);
        for (let channel = 0; channel < 3; channel++) {
          out[channel * plane + row * size + column] = picture[channel * plane + sy * size + sx];
        }
      }
    }
  });
};

/** @param set holds the pictures that pieces are cut from @param size side of what is painted, pixels */
export const createTexturePainter = (set: PictureSet, size: number): TexturePainter => {
  const positions = createSamplePositions(size);
  const uncut = new Float32Array(3 * size * size);

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
    piece(uncut, picture, place, 0);
    shuffleTiles(uncut, out, size, random);
  };

  return {
    gradient: (out, random) => {
      paintGradient(out, size, random);
    },
    noise: (out, random) => {
      paintNoise(out, size, random);
    },
    stripes: (out, random) => {
      paintStripes(out, size, random);
    },
    text: (out, random) => {
      paintText(out, size, random);
    },
    shapes: (out, random) => {
      paintShapes(out, size, random);
    },
    piece,
    scrambled,
  };
};
