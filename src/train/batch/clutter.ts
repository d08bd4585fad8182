/** What is around the object and in front of it: patches, and crops without the object. */
import { augmentPhotometric } from '../../augment/photometric.ts';
import type { Random } from '../../augment/random.ts';
import type { BatchSettings } from '../settings/batch-settings.ts';
import type { Picture } from '../views/pictures.ts';
import { createTexturePainter } from '../views/textures.ts';
import type { Piece } from '../views/textures.ts';
import type { Scenery } from './sources.ts';

/** Paints (3, S, S) planar RGB 0–1. */
export type Paint = (out: Float32Array, random: Random) => void;

export type Clutter = {
  /** What is drawn over a view, or beyond the edge of its picture. */ paintPatch: Paint;
  /** A crop that shows no object. */ paintBackground: Paint;
  /** What is put behind an object instead of what it was filmed before. */ paintBackdrop: Paint;
};

/** @returns a square within the picture of `least` to `greatest` of its shorter side */
const drawPiece = (picture: Picture, random: Random, least: number, greatest: number): Piece => {
  const side = random.uniform(least, greatest) * Math.min(picture.width, picture.height);
  return {
    x: random.uniform(side / 2, picture.width - side / 2),
    y: random.uniform(side / 2, picture.height - side / 2),
    side,
    rotation: random.normal(0, 0.3),
  };
};

/** A piece of a picture that keeps clear of the middle of its canonical crop, or none after some tries. */
const drawClearPiece = (
  picture: Picture,
  { base, objectShare }: BatchSettings,
  random: Random,
): Piece | undefined => {
  const half = (base.side * objectShare * Math.min(picture.width, picture.height)) / 2;
  for (let attempt = 0; attempt < 30; attempt++) {
    const place = drawPiece(picture, random, 0.12, 0.5);
    // A little rotation makes the square reach further than half its side.
    const reach = half + 0.6 * place.side;
    const apartX = Math.abs(place.x - base.centerX * picture.width) >= reach;
    const apartY = Math.abs(place.y - base.centerY * picture.height) >= reach;
    if (apartX || apartY) return place;
  }
  return undefined;
};

/** A matte up to here is background. */
const clear = 16;
/** Places along each side of a piece that are looked at. */
const lookouts = 9;

/** A piece of a picture that shows nothing but background by its matte, or none after some tries. */
const drawEmptyPiece = (picture: Picture, matte: Uint8Array, random: Random): Piece | undefined => {
  const { width, height } = picture;
  for (let attempt = 0; attempt < 20; attempt++) {
    const piece = {
      ...drawPiece(picture, random, 0.15, 0.6),
      rotation: random.uniform(0, 2 * Math.PI),
    };
    const [cos, sin] = [Math.cos(piece.rotation), Math.sin(piece.rotation)];
    let isEmpty = true;
    for (let i = 0; i < lookouts ** 2 && isEmpty; i++) {
      const u = piece.side * ((i % lookouts) / (lookouts - 1) - 0.5);
      const v = piece.side * (Math.floor(i / lookouts) / (lookouts - 1) - 0.5);
      const column = Math.min(width - 1, Math.max(0, Math.floor(piece.x + cos * u - sin * v)));
      const row = Math.min(height - 1, Math.max(0, Math.floor(piece.y + sin * u + cos * v)));
      isEmpty = matte[row * width + column] <= clear;
    }
    if (isEmpty) return piece;
  }
  return undefined;
};

const oneOf = (pictures: readonly Picture[], random: Random): Picture =>
  pictures[random.int(pictures.length)];

export const createClutter = (scenery: Scenery, settings: BatchSettings): Clutter => {
  const { set, objects, objectsAreInPlace, empty, mattes } = scenery;
  const told = [...mattes.keys()];
  const painter = createTexturePainter(set, settings.inputSize);

  const paintPatch: Paint = (out, random) => {
    const kind = random.uniform();
    if (kind < 0.35) painter.gradient(out, random);
    else if (kind < 0.6) painter.noise(out, random);
    else if (kind < 0.7) painter.stripes(out, random);
    else {
      const picture = oneOf(set.pictures, random);
      const softness = random.chance(0.4) ? random.uniform(1, 4) : 0;
      // Small pieces: a second whole object beside the first would compete with it.
      painter.piece(out, picture, drawPiece(picture, random, 0.12, 0.4), softness);
    }
  };

  /** A piece of a picture, without the object. */
  const paintPlace: Paint = (out, random) => {
    if (empty.length > 0 && random.chance(0.7)) {
      const picture = oneOf(empty, random);
      painter.piece(out, picture, drawPiece(picture, random, 0.2, 1), 0);
      return;
    }
    const picture = oneOf(objects, random);
    const place = objectsAreInPlace ? drawClearPiece(picture, settings, random) : undefined;
    if (place) painter.piece(out, picture, place, 0);
    else painter.scrambled(out, picture, random);
  };

  const paintBackground: Paint = (out, random) => {
    const kind = random.uniform();
    if (kind < 0.45) paintPlace(out, random);
    else if (kind < 0.65) painter.scrambled(out, oneOf(set.pictures, random), random);
    else if (kind < 0.8) painter.noise(out, random);
    else if (kind < 0.88) painter.text(out, random);
    else if (kind < 0.95) painter.stripes(out, random);
    else painter.gradient(out, random);
    augmentPhotometric(out, settings.inputSize, settings.photometric, random.split(3));
  };
  /** A place of a clip where the object is not, or a texture, with some shapes or without. */
  const paintBackdrop: Paint = (out, random) => {
    const kind = random.uniform();
    const picture = kind < 0.5 && told.length > 0 ? oneOf(told, random) : undefined;
    const piece = picture && drawEmptyPiece(picture, mattes.get(picture) ?? new Uint8Array(0), random);
    if (picture && piece) painter.piece(out, picture, piece, random.chance(0.3) ? random.uniform(0, 2) : 0);
    else if (kind < 0.7) painter.noise(out, random);
    else if (kind < 0.85) painter.gradient(out, random);
    else if (kind < 0.95) painter.stripes(out, random);
    else painter.text(out, random);
    // Things with edges: without them whatever has some is the object.
    if (random.chance(0.6)) painter.shapes(out, random);
  };
  return { paintPatch, paintBackground, paintBackdrop };
};
