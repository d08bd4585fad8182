/** Compares embeddings where WebGPU has them: what is read back is where cells and points lie, and how alike they are. */
import { DeviceError } from '../errors.ts';
import type { Point } from '../geometry/coordinates.ts';
import type { EmbeddingGeometry } from '../landmarks/matching.ts';
import type { SquareMatcher } from './correspond-pictures.ts';
import type { CellGrid, PairMatches } from './correspondence.ts';
import type { CellMatches } from './match-maps.ts';
import matchShader from './match.wgsl';

/** A network on WebGPU that leaves embeddings there. */
export type GpuSide = {
  device: GPUDevice;
  /** @param crop (3, S, S) planar RGB, 0–1 @param buffer (C, H, W), written */
  embedInto(crop: Float32Array, buffer: GPUBuffer): Promise<void>;
};

/** An embedding in the memory of the GPU, (C, H, W). */
type GpuMap = CellGrid & { buffer: GPUBuffer };

const floatBytes = Float32Array.BYTES_PER_ELEMENT;
/** What match.wgsl does in one workgroup. */
const queriesTogether = 8;
const pointsTogether = 64;

/** @param matches (rows·columns, 3) */
const toCellMatches = ({ width, height }: CellGrid, matches: Float32Array): CellMatches => {
  const part = (offset: number): Float32Array =>
    Float32Array.from({ length: width * height }, (_, cell) => matches[3 * cell + offset]);
  return { columns: width, rows: height, x: part(0), y: part(1), cosine: part(2) };
};

/** @returns (N, 3) as match.wgsl has matches */
const packPoints = (points: readonly Point[]): Float32Array<ArrayBuffer> => {
  const packed = new Float32Array(3 * points.length);
  points.forEach(({ x, y }, n) => {
    packed.set([x, y], 3 * n);
  });
  return packed;
};

const createPipelines = (device: GPUDevice, channels: number) => {
  const module = device.createShaderModule({ label: 'match', code: matchShader });
  const pipelineOf = (entryPoint: string, constants: Record<string, number>): GPUComputePipeline =>
    device.createComputePipeline({
      label: entryPoint,
      layout: 'auto',
      compute: { module, entryPoint, constants },
    });
  return {
    seek: pipelineOf('seek', { channels, values: queriesTogether * channels }),
    sample: pipelineOf('sample', { channels }),
  };
};

/**
 * What `correspondPictures` compares with on WebGPU. Every cell is compared with every other, where the CPU climbs from the
 * most alike blocks: a place is never less alike than the one it finds.
 */
export class GpuMatcher implements SquareMatcher<GpuMap> {
  readonly #gpu: GpuSide;
  readonly #geometry: EmbeddingGeometry & { temperature: number };
  /** Cells per side. */ readonly #side: number;
  /** All buffers, until `close`. */ readonly #opened: GPUBuffer[] = [];
  #pipelines: ReturnType<typeof createPipelines> | undefined;

  constructor(gpu: GpuSide, geometry: EmbeddingGeometry & { temperature: number }) {
    this.#gpu = gpu;
    this.#geometry = geometry;
    this.#side = geometry.inputSize / geometry.stride;
  }

  async embed(crop: Float32Array): Promise<GpuMap> {
    const { embeddingSize, stride } = this.#geometry;
    const buffer = this.#values('embedding', embeddingSize * this.#side ** 2);
    await this.#gpu.embedInto(crop, buffer);
    return { width: this.#side, height: this.#side, stride, buffer };
  }

  async match(a: GpuMap, b: GpuMap, sought: readonly Point[]): Promise<PairMatches> {
    const back = await this.#checked(() => this.#submit(a, b, sought));
    await back.mapAsync(GPUMapMode.READ);
    const read = new Float32Array(back.getMappedRange().slice(0));
    const cells = this.#side ** 2;
    const parts = [cells, cells, sought.length, sought.length].map((rows, n, all) => {
      const start = all.slice(0, n).reduce((sum, before) => sum + before, 0);
      return read.subarray(3 * start, 3 * (start + rows));
    });
    return {
      ...{ forward: toCellMatches(a, parts[0]), backward: toCellMatches(b, parts[1]) },
      ...{ there: parts[2], back: parts[3] },
    };
  }

  /** Frees all embeddings. */
  close(): void {
    for (const buffer of this.#opened) buffer.destroy();
  }

  /** @returns a buffer with all that is found: cells there and back, points there and back */
  #submit(a: GpuMap, b: GpuMap, sought: readonly Point[]): GPUBuffer {
    const { device } = this.#gpu;
    const { embeddingSize } = this.#geometry;
    const { seek, sample } = (this.#pipelines ??= createPipelines(device, embeddingSize));
    const encoder = device.createCommandEncoder({ label: 'match' });
    const dispatch = (pipeline: GPUComputePipeline, buffers: readonly GPUBuffer[], groups: number): void => {
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
      pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
      pass.dispatchWorkgroups(groups);
      pass.end();
    };
    /** @param queries (C, count) @returns (count, 3) */
    const find = (queries: GPUBuffer, { buffer }: GpuMap, count: number, shape: GPUBuffer): GPUBuffer => {
      const found = this.#values('matches', 3 * count);
      dispatch(seek, [shape, queries, buffer, found], Math.ceil(count / queriesTogether));
      return found;
    };
    const cells = this.#side ** 2;
    const all = this.#shape(cells);
    const found = [find(a.buffer, b, cells, all), find(b.buffer, a, cells, all)];
    const { length: count } = sought;
    if (count > 0) {
      const some = this.#shape(count);
      const findPoints = (points: GPUBuffer, from: GpuMap, to: GpuMap): GPUBuffer => {
        const queries = this.#values('queries', embeddingSize * count);
        dispatch(sample, [some, points, from.buffer, queries], Math.ceil(count / pointsTogether));
        return find(queries, to, count, some);
      };
      const points = this.#values('points', 3 * count);
      device.queue.writeBuffer(points, 0, packPoints(sought));
      const there = findPoints(points, a, b);
      found.push(there, findPoints(there, b, a));
    }
    const total = found.reduce((sum, { size }) => sum + size, 0);
    const back = this.#buffer('read back', total, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
    let end = 0;
    for (const buffer of found) {
      encoder.copyBufferToBuffer(buffer, 0, back, end, buffer.size);
      end += buffer.size;
    }
    device.queue.submit([encoder.finish()]);
    return back;
  }

  /** What WebGPU refuses it leaves undone, and says so elsewhere. @param job synchronous: others use the device, too */
  async #checked<Result>(job: () => Result): Promise<Result> {
    const { device } = this.#gpu;
    device.pushErrorScope('validation');
    const result = job();
    const fault = await device.popErrorScope();
    if (fault === null) return result;
    throw new DeviceError(
      `WebGPU refused to match pictures (${fault.message}). Pass device "wasm", and report this browser.`,
    );
  }

  #buffer(label: string, size: number, usage: GPUBufferUsageFlags): GPUBuffer {
    const buffer = this.#gpu.device.createBuffer({ label, size, usage });
    this.#opened.push(buffer);
    return buffer;
  }

  #values(label: string, count: number): GPUBuffer {
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
    return this.#buffer(label, floatBytes * count, STORAGE | COPY_SRC | COPY_DST);
  }

  /** `Shape` of match.wgsl. All embeddings have one shape: only how many are sought differs. */
  #shape(count: number): GPUBuffer {
    const { stride, temperature } = this.#geometry;
    const bytes = new ArrayBuffer(20);
    new Uint32Array(bytes).set([count, this.#side, this.#side]);
    new Float32Array(bytes).set([stride, temperature], 3);
    const buffer = this.#buffer('shape', 32, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
    this.#gpu.device.queue.writeBuffer(buffer, 0, bytes);
    return buffer;
  }
}
