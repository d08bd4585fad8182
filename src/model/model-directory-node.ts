import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { firstLine, InputError, ModelError } from '../errors.ts';
import { stageFile, type StagedFile } from '../files-node/atomic-file.ts';
import { readJson } from '../files-node/read-json.ts';
import {
  manifestName,
  manifestText,
  modelFileNames,
  parseManifest,
  type Manifest,
  type ManifestFile,
  type ModelFileKind,
} from './manifest.ts';

export { modelFileNames, type ModelFileKind } from './manifest.ts';

/** A model directory whose files were found to be what its manifest says. */
export type ModelDirectory = {
  /** Path as it was given. */ path: string;
  manifest: Manifest;
  /** Content by kind; only what the manifest lists. */
  contents: { model: Uint8Array; int8?: Uint8Array; landmarks?: Uint8Array };
};

/** The manifest's entry for a file. */
export const describeFile = (name: string, content: Uint8Array): ManifestFile => ({
  name,
  bytes: content.byteLength,
  sha256: createHash('sha256').update(content).digest('hex'),
});

const readManifest = async (directory: string): Promise<Manifest> => {
  const path = join(directory, manifestName);
  let value: unknown;
  try {
    value = await readJson(path, 'Give the folder that "dve train --out" wrote, or export the model again.');
  } catch (error) {
    throw new ModelError(`${directory} is not a model directory: ${firstLine(error)}`, { cause: error });
  }
  return parseManifest(value, path);
};

const readListedFile = async (directory: string, entry: ManifestFile): Promise<Uint8Array> => {
  const path = join(directory, entry.name);
  let content: Uint8Array;
  try {
    content = await readFile(path);
  } catch (error) {
    throw new ModelError(
      `${join(directory, manifestName)} lists ${entry.name} but it cannot be read. Copy the whole model directory, or export the model again.`,
      { cause: error },
    );
  }
  const found = describeFile(entry.name, content);
  if (found.bytes !== entry.bytes) {
    throw new ModelError(
      `${path} has ${found.bytes} bytes but ${manifestName} says ${entry.bytes}: one of them is of another export, or the copy is incomplete. Copy the whole model directory, or export the model again.`,
    );
  }
  if (found.sha256 !== entry.sha256) {
    throw new ModelError(
      `${path} has SHA-256 ${found.sha256.slice(0, 12)}… but ${manifestName} says ${entry.sha256.slice(0, 12)}…: one of them is of another export, or damaged. Copy the whole model directory, or export the model again.`,
    );
  }
  return content;
};

/**
 * Reads a model directory whole and checks manifest, file sizes and SHA-256.
 * @throws ModelError when anything is missing, damaged or does not belong together
 */
export const readModelDirectory = async (path: string): Promise<ModelDirectory> => {
  const manifest = await readManifest(path);
  const { model, int8, landmarks } = manifest.files;
  return {
    path,
    manifest,
    contents: {
      model: await readListedFile(path, model),
      ...(int8 === undefined ? {} : { int8: await readListedFile(path, int8) }),
      ...(landmarks === undefined ? {} : { landmarks: await readListedFile(path, landmarks) }),
    },
  };
};

/** Puts the files in place only after all of them are complete on disk, the manifest last. */
const writeTogether = async (
  directory: string,
  files: readonly (readonly [string, string | Uint8Array])[],
) => {
  const staged: StagedFile[] = [];
  try {
    for (const [name, content] of files) staged.push(await stageFile(join(directory, name), content));
    for (const file of staged) await file.commit();
  } catch (error) {
    // A file that is in place already is not touched by this.
    await Promise.all(staged.map((file) => file.discard()));
    throw error;
  }
};

/**
 * Writes a model directory: all files under temporary names first, then renamed, the manifest last. When it fails,
 * what was there before is untouched. Other files in the directory stay.
 * @param fields the manifest without its list of files, which is made here
 * @returns the manifest written
 * @throws ModelError for fields that no manifest may have; InputError when the place cannot be written
 */
export const writeModelDirectory = async (
  path: string,
  fields: Omit<Manifest, 'files'>,
  contents: ModelDirectory['contents'],
): Promise<Manifest> => {
  const { model, int8, landmarks } = contents;
  const manifest = parseManifest({
    ...fields,
    files: {
      model: describeFile(modelFileNames.model, model),
      ...(int8 === undefined ? {} : { int8: describeFile(modelFileNames.int8, int8) }),
      ...(landmarks === undefined ? {} : { landmarks: describeFile(modelFileNames.landmarks, landmarks) }),
    },
  });
  await writeTogether(path, [
    [modelFileNames.model, model],
    ...(int8 === undefined ? [] : [[modelFileNames.int8, int8] as const]),
    ...(landmarks === undefined ? [] : [[modelFileNames.landmarks, landmarks] as const]),
    [manifestName, manifestText(manifest)],
  ]);
  return manifest;
};

/**
 * Adds or replaces one file of a model directory (a landmark set, an int8 network) and its manifest entry.
 * @returns the manifest written
 * @throws ModelError when the directory is not a sound model; InputError when it cannot be written
 */
export const writeModelFile = async (
  path: string,
  kind: ModelFileKind,
  content: Uint8Array,
): Promise<Manifest> => {
  if (content.byteLength === 0) throw new InputError(`refusing to write an empty ${modelFileNames[kind]}`);
  const { manifest } = await readModelDirectory(path);
  const name = manifest.files[kind]?.name ?? modelFileNames[kind];
  const changed: Manifest = {
    ...manifest,
    files: { ...manifest.files, [kind]: describeFile(name, content) },
  };
  await writeTogether(path, [
    [name, content],
    [manifestName, manifestText(changed)],
  ]);
  return changed;
};
