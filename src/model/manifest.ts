import { ModelError, shownValue } from '../errors.ts';

/** One file of a model directory. */
export type ManifestFile = {
  /** File name inside the model directory. */ name: string;
  /** Size, bytes. */ bytes: number;
  /** SHA-256 of the content, lower-case hex. */ sha256: string;
};

/** `manifest.json`: everything that training and tracking must share. Nothing of it is repeated in code. */
export type Manifest = {
  formatVersion: 1;
  /** What the network embeds, for example `face`. */ category: string;
  /** Side S of the square network input, pixels. */ inputSize: number;
  /** Crop pixels per cell of the embedding map. */ stride: number;
  /** Channels C of the embedding. */ embeddingSize: number;
  /** Softmax temperature of the matching, on cosine similarity. */ temperature: number;
  /** ROI side over object size (the longer side of the box of its landmarks). */ cropMargin: number;
  files: {
    /** fp32 network. */ model: ManifestFile;
    /** The same network with 8-bit weights and activations, for wasm. */ int8?: ManifestFile;
    /** Landmark set with reference embeddings. */ landmarks?: ManifestFile;
  };
};

/** Which file of a model directory. */
export type ModelFileKind = keyof Manifest['files'];

export const manifestName = 'manifest.json';

/** Names of the files that a training writes. */
export const modelFileNames: Record<ModelFileKind, string> = {
  model: 'model.onnx',
  int8: 'model.int8.onnx',
  landmarks: 'landmarks.json',
};

/** The text of `manifest.json`. */
export const manifestText = (manifest: Manifest): string => `${JSON.stringify(manifest, null, 2)}\n`;

/** Why one field is wrong, said as `<where> <what it should be>, not <what it is>`. */
const refuse = (source: string, where: string, wanted: string, found: unknown): never => {
  throw new ModelError(
    `${source}: ${where} should be ${wanted} but is ${shownValue(found)}. Export the model again with "dve train".`,
  );
};

type Fields = Record<string, unknown>;

/** The value as an object that has no other keys than `known`. */
const objectAt = (source: string, where: string, value: unknown, known: readonly string[]): Fields => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse(source, where, 'an object', value);
  }
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new ModelError(
      `${source}: ${where} has the unknown key "${unknown}"; known are ${known.join(', ')}. It may be of a newer version: update dve-sdk, or export the model again.`,
    );
  }
  return { ...value };
};

const numberAt = (
  source: string,
  where: string,
  value: unknown,
  wanted: 'a positive number' | 'a positive whole number',
): number => {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
    return refuse(source, where, wanted, value);
  }
  if (wanted === 'a positive whole number' && !Number.isInteger(value)) {
    return refuse(source, where, wanted, value);
  }
  return value;
};

/** Far beyond any network that a browser runs: what is greater is damage, and would be allocated before it is noticed. */
const limits = { inputSize: 2048, embeddingSize: 4096, bytes: 2 ** 31 };

const sizeAt = (source: string, where: string, value: unknown, limit: number): number => {
  const size = numberAt(source, where, value, 'a positive whole number');
  return size <= limit ? size : refuse(source, where, `at most ${limit}`, size);
};

const fileAt = (source: string, where: string, value: unknown): ManifestFile => {
  const { name, bytes, sha256 } = objectAt(source, where, value, ['name', 'bytes', 'sha256']);
  // A plain name: a manifest must not make anyone read outside the model's directory.
  if (typeof name !== 'string' || !/^[\w][\w.-]*$/.test(name)) {
    return refuse(source, `${where}.name`, 'a plain file name', name);
  }
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) {
    return refuse(source, `${where}.sha256`, '64 lower-case hex digits', sha256);
  }
  return { name, bytes: sizeAt(source, `${where}.bytes`, bytes, limits.bytes), sha256 };
};

/**
 * Checks that a value read from `manifest.json` is a manifest of this version, key by key.
 * @param value what JSON.parse returned
 * @param source how errors call the file
 * @throws ModelError on an unknown key, a wrong type or another format version; names the field and the remedy
 */
export const parseManifest = (value: unknown, source = 'manifest.json'): Manifest => {
  if (typeof value === 'object' && value !== null && 'formatVersion' in value && value.formatVersion !== 1) {
    throw new ModelError(
      `${source} has format version ${shownValue(value.formatVersion)} but this dve-sdk reads version 1. Update dve-sdk, or export the model again with this one.`,
    );
  }
  const whole = objectAt(source, 'the manifest', value, [
    'formatVersion',
    'category',
    'inputSize',
    'stride',
    'embeddingSize',
    'temperature',
    'cropMargin',
    'files',
  ]);
  if (whole.formatVersion !== 1) return refuse(source, 'formatVersion', '1', whole.formatVersion);
  if (typeof whole.category !== 'string' || whole.category === '') {
    return refuse(source, 'category', 'a name', whole.category);
  }
  const inputSize = sizeAt(source, 'inputSize', whole.inputSize, limits.inputSize);
  const stride = numberAt(source, 'stride', whole.stride, 'a positive whole number');
  if (inputSize % stride !== 0) {
    return refuse(source, 'stride', `a divisor of inputSize (${inputSize})`, stride);
  }
  const files = objectAt(source, 'files', whole.files, ['model', 'int8', 'landmarks']);
  return {
    formatVersion: 1,
    category: whole.category,
    inputSize,
    stride,
    embeddingSize: sizeAt(source, 'embeddingSize', whole.embeddingSize, limits.embeddingSize),
    temperature: numberAt(source, 'temperature', whole.temperature, 'a positive number'),
    cropMargin: numberAt(source, 'cropMargin', whole.cropMargin, 'a positive number'),
    files: {
      model: fileAt(source, 'files.model', files.model),
      ...(files.int8 === undefined ? {} : { int8: fileAt(source, 'files.int8', files.int8) }),
      ...(files.landmarks === undefined
        ? {}
        : { landmarks: fileAt(source, 'files.landmarks', files.landmarks) }),
    },
  };
};

/**
 * Refuses what is not the file that the manifest lists.
 * @param url how errors call it
 * @param sha256 of its content; undefined where nobody can tell
 * @throws ModelError that names both sides
 */
export const checkFile = (
  url: string,
  entry: ManifestFile,
  bytes: number,
  sha256: string | undefined,
): void => {
  if (bytes !== entry.bytes) {
    throw new ModelError(
      `${url} has ${bytes} bytes but manifest.json says ${entry.bytes}: one of them is of another export. Copy the whole model directory again.`,
    );
  }
  if (sha256 !== undefined && sha256 !== entry.sha256) {
    throw new ModelError(
      `${url} has SHA-256 ${sha256.slice(0, 12)}… but manifest.json says ${entry.sha256.slice(0, 12)}…: one of them is of another export, or damaged. Copy the whole model directory again.`,
    );
  }
};
