import { ModelError, shownValue } from '../errors.ts';
import type { Point } from '../geometry/coordinates.ts';
import type { Manifest } from '../model/manifest.ts';
import type { Anchors } from './anchors.ts';
import type { Calibration } from './calibration.ts';
import { decodeRefiner, encodeRefiner, fingerprintOf } from './refiner-file.ts';
import type { Bone, Parts } from './parts-fit.ts';
import type { Refiner } from './refiner.ts';

export { logOdds } from './log-odds.ts';

/** Two landmarks by index. */
export type IndexPair = readonly [number, number];

/** Where points were marked, and the points; a landmark set keeps them so that it can be made again for a new model. */
export type Annotation = {
  /** File name of a picture; or `video` and `frame`. */ picture?: string;
  /** File name of a video. */ video?: string;
  /** Frame of the video, counted from 0. */ frame?: number;
  /** One per landmark, normalised to the picture; null is a hidden one. */ points: readonly (Point | null)[];
};

/** Typical log-odds of the confidences, averaged over the landmarks. */
export type EvidenceLevels = {
  /** Where the crop shows the object. */ object: number;
  /** Where it shows something else, and the matches are the best of a bad lot. */ background: number;
};

/** Named points of a category and how a network recognises them: `landmarks.json`. */
export type LandmarkSet = {
  /** What it is the landmarks of, for example `face`; the model's has to be the same. */ category: string;
  /** Channels C of the references. */ embeddingSize: number;
  /** N names. */ names: readonly string[];
  /** Lines to draw. */ connections: readonly IndexPair[];
  /** Landmarks that change places in a mirrored picture. */ mirrorPairs: readonly IndexPair[];
  /** N points, in sides of the upright ROI: (0, 0) is its top-left corner, (1, 1) its bottom-right one. */
  meanShape: readonly Point[];
  /** (N, C) unit vectors. */ references: Float32Array;
  /** What this network's matches look like on the object and elsewhere: the scale on which the tracker decides. */
  evidence: EvidenceLevels;
  /** By what the object is found and followed; without them by the landmarks. `evidence` is then theirs. */
  anchors?: Anchors;
  /** How the object hangs together, where it bends; without it its shape is rigid, up to a tolerance. */ parts?: Parts;
  /** SHA-256 of the network that it was made with, as the manifest has it of `model`: another would find nothing. */
  network?: string;
  /** Two landmarks whose distance is the length that errors are told in; else it is the object's size. */
  unit?: IndexPair;
  /** How likely landmarks are right; without it their confidence is what the network gives, uncalibrated. */
  calibration?: Calibration;
  /** Takes matches nearer to where landmarks are; without it they are told as they are. */ refiner?: Refiner;
  /** What it was made from. */ annotations?: readonly Annotation[];
};

const remake = 'Recreate it with "dve landmarks".';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

const isIndex = (value: unknown, count: number): value is number =>
  Number.isInteger(value) && isNumber(value) && value >= 0 && value < count;

/** A set as far as tracking needs it, and what is needed to read the rest of its file. */
type SetFile = {
  set: LandmarkSet;
  annotations: unknown;
  /** Reads a list of one point per landmark. */ points: (value: unknown, field: string) => Point[];
  fail: (problem: string) => never;
};

/**
 * Reads `landmarks.json`.
 * @param source the file's name for error messages
 * @throws ModelError where the text is not a landmark set
 */
export const parseLandmarkSet = (text: string, source = 'landmarks.json'): LandmarkSet => {
  const { set, annotations, points, fail } = readSetFile(text, source);
  if (annotations === undefined) return set;
  if (!Array.isArray(annotations)) return fail('has annotations that are not a list');
  return { ...set, annotations: annotations.map((value: unknown) => annotationOf(value, points, fail)) };
};

/** As {@link parseLandmarkSet}, without annotations: tracking has no use for them, and the page saves their reader. */
export const parseTrackedSet = (text: string, source: string): LandmarkSet => readSetFile(text, source).set;

const readSetFile = (text: string, source: string): SetFile => {
  const fail = (problem: string): never => {
    throw new ModelError(`${source} ${problem}. ${remake}`);
  };
  const file = parseJson(text, source);
  if (!isRecord(file)) return fail('is not a JSON object');
  if (file.formatVersion !== 1) {
    return fail(`has format version ${shownValue(file.formatVersion)} but this version of dve-sdk reads 1`);
  }
  const { category, embeddingSize, names, meanShape, references } = file;
  if (typeof category !== 'string' || category === '') return fail('has no category');
  if (!isNumber(embeddingSize) || !Number.isInteger(embeddingSize) || embeddingSize < 1) {
    return fail('has no embeddingSize, a positive whole number');
  }
  if (!Array.isArray(names) || names.length === 0) return fail('has no names');
  const count = names.length;
  const texts = names.filter((name): name is string => typeof name === 'string' && name !== '');
  if (texts.length < count || new Set(texts).size < count)
    return fail('has names that are empty or given twice');

  const pair = (value: unknown, field: string): IndexPair => {
    if (!Array.isArray(value) || value.length !== 2)
      return fail(`has ${field} not of the form [index, index]`);
    const [a, b] = value as unknown[];
    if (!isIndex(a, count) || !isIndex(b, count)) return fail(`has ${field} beyond its ${count} names`);
    return [a, b];
  };
  const pairs = (value: unknown, field: string): IndexPair[] => {
    if (!Array.isArray(value)) return fail(`has no ${field}, a list of [index, index]`);
    return value.map((entry: unknown) => pair(entry, field));
  };
  const points = (value: unknown, field: string): Point[] => {
    if (!Array.isArray(value)) return fail(`has no ${field}, a list of [x, y]`);
    if (value.length !== count) return fail(`has ${value.length} points in ${field} but ${count} names`);
    return value.map((point: unknown) => {
      if (!Array.isArray(point) || point.length !== 2)
        return fail(`has points in ${field} that are not [x, y]`);
      const [x, y] = point as unknown[];
      if (!isNumber(x) || !isNumber(y)) return fail(`has points in ${field} that are not numbers`);
      return { x, y };
    });
  };
  const set: LandmarkSet = {
    category,
    embeddingSize,
    names: texts,
    connections: pairs(file.connections, 'connections'),
    mirrorPairs: pairs(file.mirrorPairs, 'mirrorPairs'),
    meanShape: points(meanShape, 'meanShape'),
    references: unitVectors(references, count, embeddingSize, fail),
    evidence: evidenceLevels(file.evidence, fail),
    ...(file.anchors === undefined ? {} : { anchors: anchorsOf(file.anchors, embeddingSize, fail) }),
    ...(file.parts === undefined ? {} : { parts: partsOf(file.parts, count, embeddingSize, fail) }),
    ...(typeof file.network === 'string' ? { network: file.network } : {}),
    ...(file.unit === undefined ? {} : { unit: pair(file.unit, 'a unit') }),
    ...(file.calibration === undefined ? {} : { calibration: calibrationOf(file.calibration, count, fail) }),
  };
  if (file.refiner !== undefined) {
    if (!isRecord(file.refiner)) return fail('has a refiner that is no object');
    const fingerprint = fingerprintOf([texts, meanShape, references]);
    const place = { landmarks: count, channels: embeddingSize, fingerprint };
    set.refiner = decodeRefiner(file.refiner, place, fail);
  }
  return { set, annotations: file.annotations, points, fail };
};

/** @param points reads a list of one point per landmark */
const annotationOf = (
  value: unknown,
  points: (value: unknown, field: string) => Point[],
  fail: (problem: string) => never,
): Annotation => {
  const hideable = (list: unknown, field: string): (Point | null)[] => {
    if (!Array.isArray(list)) return points(list, field);
    const places = points(
      list.map((point: unknown) => point ?? [0, 0]),
      field,
    );
    return places.map((place, n) => (list[n] === null ? null : place));
  };
  if (!isRecord(value)) return fail('has annotations without a picture');
  const { picture, video, frame } = value;
  if (typeof picture === 'string') {
    return { picture, points: hideable(value.points, `the annotation of ${picture}`) };
  }
  if (typeof video !== 'string' || !isNumber(frame)) {
    return fail('has annotations without a picture, or a video and its frame');
  }
  return { video, frame, points: hideable(value.points, `the annotation of ${video}, frame ${frame}`) };
};

const parseJson = (text: string, source: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ModelError(`${source} is not JSON. ${remake}`);
  }
};

/** Anchors at most: they are matched in every frame. */
const mostAnchors = 500;

const anchorsOf = (value: unknown, channels: number, fail: (problem: string) => never): Anchors => {
  if (!isRecord(value) || !Array.isArray(value.meanShape)) {
    return fail('has anchors without a meanShape, a list of [x, y]');
  }
  const count = value.meanShape.length;
  if (count < 3 || count > mostAnchors) return fail(`has ${count} anchors instead of 3 to ${mostAnchors}`);
  const meanShape = value.meanShape.map((point: unknown) => {
    if (!Array.isArray(point) || point.length !== 2 || !point.every(isNumber)) {
      return fail('has anchors that are not [x, y], numbers');
    }
    const [x, y] = point;
    return { x, y };
  });
  return { meanShape, references: unitVectors(value.references, count, channels, fail, 'anchors') };
};

/** Pictures at most that parts keep references of. */
export const mostVariants = 12;

const partsOf = (
  value: unknown,
  count: number,
  channels: number,
  fail: (problem: string) => never,
): Parts => {
  if (!isRecord(value) || !Array.isArray(value.bones) || value.bones.length === 0) {
    return fail('has parts without bones, a list of [landmark, landmark, length]');
  }
  const bones = value.bones.map((bone: unknown): Bone => {
    const [a, b, length] = Array.isArray(bone) ? (bone as unknown[]) : [];
    if (isIndex(a, count) && isIndex(b, count) && isNumber(length) && length > 0) return [a, b, length];
    return fail('has bones that are not [landmark, landmark, length], the length in sides of the ROI');
  });
  const joined = new Set(bones.flatMap(([a, b]) => [a, b]));
  if (joined.size < count) return fail(`has ${count} names but bones between ${joined.size} of them only`);
  const rows = Array.isArray(value.references) ? value.references.length : 0;
  if (rows === 0 || rows % count !== 0 || rows > mostVariants * count) {
    return fail(`has ${rows} references in its parts instead of 1 to ${mostVariants} times ${count}`);
  }
  return { bones, references: unitVectors(value.references, rows, channels, fail, 'parts') };
};

const evidenceLevels = (value: unknown, fail: (problem: string) => never): EvidenceLevels => {
  if (!isRecord(value) || !isNumber(value.object) || !isNumber(value.background)) {
    return fail('has no evidence, the levels of object and background');
  }
  const { object, background } = value;
  if (object <= background) {
    return fail(`has an evidence of ${object} on the object but ${background} on the background`);
  }
  return { object, background };
};

const calibrationOf = (value: unknown, count: number, fail: (problem: string) => never): Calibration => {
  if (!isRecord(value)) return fail('has a calibration that is no object');
  const { tolerance, own, mean, misfit, offsets } = value;
  if (!isNumber(tolerance) || !isNumber(own) || !isNumber(mean) || !isNumber(misfit)) {
    return fail('has a calibration without tolerance, own, mean and misfit, numbers');
  }
  if (!Array.isArray(offsets) || !offsets.every(isNumber)) {
    return fail('has a calibration without offsets, a list of numbers');
  }
  if (offsets.length !== count) {
    return fail(`has ${offsets.length} offsets in its calibration but ${count} names`);
  }
  return { tolerance, own, mean, misfit, offsets };
};

/** (N, C), made exactly unit again: the file has rounded numbers. */
const unitVectors = (
  value: unknown,
  count: number,
  channels: number,
  fail: (problem: string) => never,
  owners = 'names',
): Float32Array => {
  if (!Array.isArray(value)) return fail('has no references');
  if (value.length !== count) return fail(`has ${value.length} references but ${count} ${owners}`);
  const rows = value.map((row: unknown) => {
    if (!Array.isArray(row) || !row.every(isNumber)) return fail('has references that are not numbers');
    if (row.length === channels) return row;
    return fail(`has a ${row.length}-D reference but says its embeddings are ${channels}-D`);
  });
  // Only now: what the file says of itself may be any number.
  const references = new Float32Array(count * channels);
  rows.forEach((row, index) => {
    const length = Math.hypot(...row);
    if (Math.abs(length - 1) > 0.01)
      return fail(`has a reference of length ${length.toFixed(3)} instead of 1`);
    references.set(
      row.map((component) => component / length),
      index * channels,
    );
  });
  return references;
};

/**
 * Refuses a landmark set that belongs to another network.
 * @param names how the two files are called in the error message
 * @throws ModelError
 */
export const checkLandmarkSet = (
  set: LandmarkSet,
  manifest: Pick<Manifest, 'embeddingSize' | 'category'> & Partial<Pick<Manifest, 'files'>>,
  names = { landmarks: 'landmarks.json', model: 'the model' },
): void => {
  if (!Array.isArray((set as Partial<LandmarkSet>).names)) {
    throw new ModelError(`${names.landmarks} is no landmark set: it has no names. ${remake}`);
  }
  if (set.embeddingSize !== manifest.embeddingSize) {
    throw new ModelError(
      `${names.landmarks} has ${set.embeddingSize}-D embeddings but ${names.model} outputs ${manifest.embeddingSize}-D. ${remake}`,
    );
  }
  if (set.category !== manifest.category) {
    throw new ModelError(
      `${names.landmarks} is for the category "${set.category}" but ${names.model} is for "${manifest.category}". ${remake}`,
    );
  }
  const network = manifest.files?.model.sha256;
  if (set.network !== undefined && network !== undefined && set.network !== network) {
    throw new ModelError(
      `${names.landmarks} was made with another network than ${names.model} has. ${remake}`,
    );
  }
  checkParts(set, names.landmarks);
};

/** Sets are plain data, which callers without types put together, too. @throws ModelError for what does not fit */
const checkParts = (set: LandmarkSet, where: string): void => {
  const fail = (problem: string): never => {
    throw new ModelError(`${where} has ${problem}. ${remake}`);
  };
  const { references, meanShape, evidence, connections = [] } = set as Partial<LandmarkSet>;
  const count = set.names.length;
  const values = count * set.embeddingSize;
  if (!(references instanceof Float32Array)) fail('no references, a Float32Array');
  else if (references.length !== values)
    fail(`${references.length} values in references but ${values} by its names`);
  if (meanShape?.length !== count)
    fail(`${meanShape?.length ?? 'no'} points in meanShape but ${count} names`);
  if (evidence === undefined) fail('no evidence, the levels of object and background');
  if (!connections.flat().every((index) => isIndex(index, count)))
    fail(`connections beyond its ${count} names`);
};

const rounded = (value: number): number => Number(value.toPrecision(5));

const pointRows = (points: readonly Point[]): [number, number][] =>
  points.map(({ x, y }) => [rounded(x), rounded(y)]);

/** The text of `landmarks.json`: numbers with five significant digits, one landmark or picture a line. */
export const serializeLandmarkSet = (set: LandmarkSet): string => {
  const {
    embeddingSize: channels,
    evidence: { object, background },
  } = set;
  const rows = set.names.map((_, index) =>
    [...set.references.subarray(index * channels, (index + 1) * channels)].map(rounded),
  );
  const list = (items: unknown[]): string =>
    items.length === 0 ? '[]' : `[\n    ${items.map((item) => JSON.stringify(item)).join(',\n    ')}\n  ]`;
  const fields: [string, string][] = [
    ['formatVersion', '1'],
    ['category', JSON.stringify(set.category)],
    ['embeddingSize', String(channels)],
    ['names', JSON.stringify(set.names)],
    ['connections', JSON.stringify(set.connections)],
    ['mirrorPairs', JSON.stringify(set.mirrorPairs)],
    ['meanShape', JSON.stringify(pointRows(set.meanShape))],
    ['references', list(rows)],
    ['evidence', JSON.stringify({ object: rounded(object), background: rounded(background) })],
  ];
  if (set.anchors !== undefined) {
    const { meanShape, references } = set.anchors;
    const vectors = meanShape.map((_, index) =>
      [...references.subarray(index * channels, (index + 1) * channels)].map(rounded),
    );
    fields.push(['anchors', JSON.stringify({ meanShape: pointRows(meanShape), references: vectors })]);
  }
  if (set.parts !== undefined) {
    const { bones, references } = set.parts;
    const vectors = Array.from({ length: references.length / channels }, (_, index) =>
      [...references.subarray(index * channels, (index + 1) * channels)].map(rounded),
    );
    fields.push([
      'parts',
      JSON.stringify({ bones: bones.map(([a, b, length]) => [a, b, rounded(length)]), references: vectors }),
    ]);
  }
  if (set.network !== undefined) fields.push(['network', JSON.stringify(set.network)]);
  if (set.unit !== undefined) fields.push(['unit', JSON.stringify(set.unit)]);
  if (set.calibration !== undefined) {
    const { tolerance, own, mean, misfit, offsets } = set.calibration;
    const weights = { tolerance, own: rounded(own), mean: rounded(mean), misfit: rounded(misfit) };
    fields.push(['calibration', JSON.stringify({ ...weights, offsets: offsets.map(rounded) })]);
  }
  if (set.refiner !== undefined) {
    const fingerprint = fingerprintOf([set.names, pointRows(set.meanShape), rows]);
    fields.push(['refiner', JSON.stringify(encodeRefiner(set.refiner, { channels, fingerprint }))]);
  }
  if (set.annotations !== undefined) {
    const annotations = set.annotations.map(({ points, ...place }) => ({
      ...place,
      points: points.map((point) => point && [rounded(point.x), rounded(point.y)]),
    }));
    fields.push(['annotations', list(annotations)]);
  }
  return `{\n${fields.map(([name, value]) => `  "${name}": ${value}`).join(',\n')}\n}\n`;
};
