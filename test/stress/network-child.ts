// Opens damaged networks, one after the other, and says of each how it ended: a process of its own, because a library
// of native code may take the process with it.
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRandom } from '../../src/augment/random.ts';
import { readModelDirectory, writeModelFile } from '../../src/model/model-directory-node.ts';
import { openNodeModel } from '../../src/model/model-node.ts';
import { writeBlobModel } from '../fixtures/blob-model.ts';
import { mutateBytes } from './mutate.ts';
import { emptyReport, tryOne } from './report.ts';

const [seed, first, end] = process.argv.slice(2, 5).map(Number);
const device = process.argv[5] as 'cpu' | 'wasm';

const root = await mkdtemp(join(tmpdir(), 'dve-stress-'));
const folders = [join(root, 'blobs'), join(root, 'face')];
await writeBlobModel(folders[0]);
await cp(fileURLToPath(new URL('../../models/face', import.meta.url)), folders[1], { recursive: true });
const originals = await Promise.all(folders.map((folder) => readFile(join(folder, 'model.onnx'))));

/** @returns what is wrong with a network that opened */
const check = async (folder: string): Promise<string | undefined> => {
  const model = await openNodeModel(await readModelDirectory(folder), { device, threads: 1 });
  try {
    const { inputSize, embeddingSize } = model.manifest;
    const image = Float32Array.from({ length: 3 * inputSize ** 2 }, (_, i) => (i % 251) / 250);
    const references = new Float32Array(2 * embeddingSize);
    references[0] = references[embeddingSize + 1] = 1;
    const matches = await model.match(image, references);
    return matches.length === 6 ? undefined : `${matches.length} values instead of 6`;
  } finally {
    await model.close();
  }
};

for (let index = first; index < end; index++) {
  // Every sixth is the real one: its weights are most of it.
  const which = index % 6 === 5 ? 1 : 0;
  const report = emptyReport();
  console.log(JSON.stringify({ index }));
  await writeModelFile(folders[which], 'model', mutateBytes(originals[which], createRandom(seed, index)));
  await tryOne(report, `network ${index}`, () => check(folders[which]));
  console.log(JSON.stringify(report));
}
await rm(root, { recursive: true, force: true });
