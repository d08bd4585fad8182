import { firstLine } from '../errors.ts';
import { gpuObstacle, NoWebGpuError } from './gpu-obstacle.ts';

export { NoWebGpuError } from './gpu-obstacle.ts';

/** Limits that ONNX Runtime's kernels may use; the adapter's own maximum is asked for. */
const usedLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const;

export type GpuHandle = {
  device: GPUDevice;
  /** True for an adapter that computes on the CPU: right numbers, slower than wasm. */ isSoftware: boolean;
};

/** Seconds that an answer of the browser's GPU process may take. */
const answerLimit = 10;

/**
 * Waits for an answer that in some browsers never comes, or comes as an error.
 * @param late takes what comes after all, when nobody waits any more
 * @throws NoWebGpuError
 */
const answerOf = async <Answer>(
  what: string,
  asking: Promise<Answer>,
  late: (answer: Answer) => void = () => undefined,
): Promise<Answer> => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isLate = false;
  const waiting = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      isLate = true;
      reject(new NoWebGpuError(`${what} gave no answer in ${answerLimit} s`));
    }, 1000 * answerLimit);
  });
  const answering = asking.then(
    (answer) => {
      if (isLate) late(answer);
      return answer;
    },
    (error: unknown) => {
      throw new NoWebGpuError(`${what}: ${firstLine(error)}`, error);
    },
  );
  try {
    return await Promise.race([answering, waiting]);
  } finally {
    clearTimeout(timer);
  }
};

/** Where a look tells of no obstacle. @throws NoWebGpuError with the reason why there is no WebGPU after all */
export const requestGpuDevice = async (): Promise<GpuHandle> => {
  const adapter = await answerOf(
    'requestAdapter',
    navigator.gpu.requestAdapter({ powerPreference: 'high-performance' }),
  );
  if (adapter === null) throw new NoWebGpuError('requestAdapter returned null');
  const requiredLimits = Object.fromEntries(usedLimits.map((limit) => [limit, adapter.limits[limit]]));
  const wanted: GPUFeatureName[] = ['shader-f16', 'subgroups'];
  const requiredFeatures = wanted.filter((feature) => adapter.features.has(feature));
  const device = await answerOf(
    'requestDevice',
    adapter.requestDevice({ requiredLimits, requiredFeatures }),
    (late) => {
      late.destroy();
    },
  );
  return { device, isSoftware: adapter.info.isFallbackAdapter };
};

/** @throws NoWebGpuError with the reason why there is no WebGPU */
export const openGpuDevice = async (): Promise<GpuHandle> => {
  const obstacle = gpuObstacle();
  if (obstacle !== undefined) throw new NoWebGpuError(obstacle);
  return requestGpuDevice();
};
