/**
 * Puts today's matching head on networks that were exported with another one; weights and embeddings stay as they are.
 *
 *     npx tsx tools/matching-head/main.ts --model DIR
 *
 * Writes the networks of DIR and their lines in its manifest.json anew. What was measured with the old head (a landmark
 * set's refiner, calibrations) is to be made again.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Graph, type GraphNode } from '../../src/onnx/graph.ts';
import { decodeModel, encodeModel } from '../../src/onnx/protobuf.ts';
import { defaultMatchingHead } from '../../src/train/network/export.ts';
import { matchingHead } from '../../src/train/network/matching-head.ts';

type Manifest = {
  stride: number;
  temperature: number;
  inputSize: number;
  embeddingSize: number;
  files: Record<string, { name: string; bytes: number; sha256: string } | undefined>;
};

const { values: given } = parseArgs({ options: { model: { type: 'string' } } });
if (given.model === undefined) throw new Error('Give --model DIR.');
const folder = given.model;
const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest;
const { stride, temperature, inputSize, embeddingSize, files } = manifest;

/** The nodes that lead to a value, in their order. */
const leadingTo = (nodes: readonly GraphNode[], target: string): GraphNode[] => {
  const wanted = new Set([target]);
  const kept: GraphNode[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((name) => wanted.has(name))) continue;
    kept.push(node);
    for (const name of node.inputs) wanted.add(name);
  }
  return kept.reverse();
};

const renew = (bytes: Uint8Array): Uint8Array => {
  const old = decodeModel(bytes);
  const body = leadingTo(old.nodes, 'embedding');
  const read = new Set(body.flatMap(({ inputs }) => inputs));

  const head = new Graph('head');
  const cells = inputSize / stride;
  const embedding = head.input('embedding', 'float32', ['B', embeddingSize, cells, cells]);
  const references = head.input('references', 'float32', ['N', embeddingSize]);
  head.output(
    'matches',
    matchingHead(head, embedding, references, stride, { ...defaultMatchingHead, temperature }),
  );
  const own = new Set([...head.inputs, ...head.outputs].map(({ name }) => name));
  const renamed = (name: string): string => (name === '' || own.has(name) ? name : `head/${name}`);

  return encodeModel({
    ...{ name: old.name, inputs: old.inputs, outputs: old.outputs },
    nodes: [
      ...body,
      ...head.nodes.map((node) => ({
        ...node,
        inputs: node.inputs.map(renamed),
        outputs: node.outputs.map(renamed),
      })),
    ],
    initializers: [
      ...old.initializers.filter(({ value }) => read.has(value.name)),
      ...head.initializers.map(({ value, bytes: data }) => ({
        value: { ...value, name: renamed(value.name) },
        bytes: data,
      })),
    ],
  });
};

for (const kind of ['model', 'int8']) {
  const file = files[kind];
  if (file === undefined) continue;
  const path = join(folder, file.name);
  const bytes = renew(readFileSync(path));
  writeFileSync(path, bytes);
  file.bytes = bytes.length;
  file.sha256 = createHash('sha256').update(bytes).digest('hex');
}
writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
