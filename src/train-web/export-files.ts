/** The files of a model directory, made in a browser. */
import { InputError } from '../errors.ts';
import { serializeLandmarkSet, type LandmarkSet } from '../landmarks/landmark-set.ts';
import {
  manifestName,
  manifestText,
  modelFileNames,
  parseManifest,
  type ManifestFile,
  type ModelFileKind,
} from '../model/manifest.ts';
import { sha256Hex } from '../model/sha256.ts';
import { packCheckpoint, sealCheckpoint } from '../train/checkpoint-format.ts';
import type { Checkpoint } from '../train/checkpoint-format.ts';
import { manifestFields } from '../train/model-files.ts';

/** Name of the file that a training goes on from. */
export const checkpointName = 'checkpoint.bin';

const hash = async (bytes: BufferSource): Promise<string> => {
  const sha256 = await sha256Hex(bytes);
  if (sha256 === undefined) {
    throw new InputError(
      'This page is not secure, so that no checksums can be made. Use https or localhost.',
    );
  }
  return sha256;
};

export type ExportedNetworks = {
  model: Uint8Array<ArrayBuffer>;
  int8: Uint8Array<ArrayBuffer>;
  landmarks: LandmarkSet | undefined;
};

/** @returns content by file name; the manifest lists the others, but for the checkpoint */
export const exportFiles = async (
  { model, int8, landmarks }: ExportedNetworks,
  checkpoint: Checkpoint,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> => {
  const contents = new Map<ModelFileKind, Uint8Array<ArrayBuffer>>([
    ['model', model],
    ['int8', int8],
  ]);
  const encoder = new TextEncoder();
  if (landmarks !== undefined) contents.set('landmarks', encoder.encode(serializeLandmarkSet(landmarks)));
  const listed: [ModelFileKind, ManifestFile][] = [];
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const [kind, bytes] of contents) {
    const name = modelFileNames[kind];
    listed.push([kind, { name, bytes: bytes.byteLength, sha256: await hash(bytes) }]);
    files.set(name, bytes);
  }
  const fields = { ...manifestFields(checkpoint.config), files: Object.fromEntries(listed) };
  files.set(manifestName, encoder.encode(manifestText(parseManifest(fields))));
  const content = packCheckpoint(checkpoint);
  files.set(checkpointName, sealCheckpoint(content, await hash(content)));
  return files;
};
