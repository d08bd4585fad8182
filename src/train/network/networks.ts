/**
 * The embedding networks, written once against a small set of layers. `training-network.ts` runs a
 * definition with batch statistics and gradients, `export.ts` runs it with batch norm folded.
 */
import type { Value } from '../../onnx/graph.ts';
import { InputError } from '../../errors.ts';

export type ConvLayer = {
  /** Output channels. */ channels: number;
  /** Side of the kernel, cells. */ kernel: number;
  stride?: number;
  dilation?: number;
};

export type Activation = { kind: 'none' } | { kind: 'relu' } | { kind: 'leaky-relu'; slope: number };

/** What a network is made of. Every convolution keeps the size of its map, divided by its stride. */
export type Layers = {
  /** Convolution with bias. */
  conv(name: string, x: Value, layer: ConvLayer): Value;
  /** Convolution, batch norm, activation. `bias` keeps a bias that batch norm makes idle (as the paper's nets do). */
  convNorm(name: string, x: Value, layer: ConvLayer & { bias?: boolean }, activation: Activation): Value;
  /** Batch norm and activation with no convolution before it. */
  norm(name: string, x: Value, activation: Activation): Value;
  averagePool(x: Value): Value;
  maxPool(x: Value): Value;
  upsample(x: Value): Value;
  add(a: Value, b: Value): Value;
};

export type NetworkKind = 'light' | 'smallnet' | 'hourglass';

export type NetworkSettings = {
  kind: NetworkKind;
  /** Channels C of the embedding. */ embeddingSize: number;
  /** `light` only: channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the input. */ widths: readonly number[];
};

export const defaultNetwork: NetworkSettings = {
  kind: 'light',
  embeddingSize: 64,
  widths: [32, 48, 96, 128, 128],
};

const relu: Activation = { kind: 'relu' };

/**
 * U-Net of plain 3×3 convolutions from 1/2 down to 1/32 with additive skips: at 96×96 its deepest map is 3×3,
 * so every cell sees the whole crop. Plain, because depthwise convolutions are slow on a CPU.
 */
const light = (layers: Layers, image: Value, { widths, embeddingSize }: NetworkSettings): Value => {
  let x = layers.convNorm('stem', image, { channels: widths[0], kernel: 5, stride: 2 }, relu);
  const skips: Value[] = [];
  widths.forEach((channels, level) => {
    if (level > 0) {
      x = layers.averagePool(x);
      x = layers.convNorm(`down${level}.0`, x, { channels, kernel: 3 }, relu);
    }
    x = layers.convNorm(`down${level}.1`, x, { channels, kernel: 3 }, relu);
    skips.push(x);
  });
  for (let level = widths.length - 2; level >= 0; level--) {
    const channels = widths[level];
    // The 1×1 convolution runs before the enlargement: a quarter of the work, the same result.
    const coarse = layers.convNorm(`up${level}.0`, x, { channels, kernel: 1 }, { kind: 'none' });
    x = layers.add(layers.upsample(coarse), skips[level]);
    x = layers.convNorm(`up${level}.1`, x, { channels, kernel: 3 }, relu);
  }
  return layers.conv('embedding', x, { channels: embeddingSize, kernel: 1 });
};

/** SmallNet of Thewlis et al. 2017 and 2019: 350,552 parameters at 64-D. */
const smallnet = (layers: Layers, image: Value, { embeddingSize }: NetworkSettings): Value => {
  const leaky: Activation = { kind: 'leaky-relu', slope: 0.2 };
  const block = (name: string, x: Value, layer: ConvLayer): Value =>
    layers.convNorm(name, x, { ...layer, bias: true }, leaky);
  let x = block('conv1', image, { channels: 20, kernel: 5 });
  x = layers.maxPool(x);
  x = block('conv2', x, { channels: 48, kernel: 5 });
  x = block('conv3', x, { channels: 64, kernel: 5, dilation: 2 });
  x = block('conv4', x, { channels: 80, kernel: 3, dilation: 4 });
  x = block('conv5', x, { channels: 256, kernel: 3, dilation: 2 });
  return layers.conv('embedding', x, { channels: embeddingSize, kernel: 1 });
};

/** Pre-activation bottleneck (He et al. 2016): 1×1, 3×3, 1×1 with expansion 2. */
const bottleneck = (layers: Layers, name: string, x: Value, planes: number): Value => {
  const channels = planes * 2;
  let y = layers.norm(`${name}.norm`, x, relu);
  y = layers.convNorm(`${name}.1`, y, { channels: planes, kernel: 1, bias: true }, relu);
  y = layers.convNorm(`${name}.2`, y, { channels: planes, kernel: 3, bias: true }, relu);
  y = layers.conv(`${name}.3`, y, { channels, kernel: 1 });
  const skip = x.shape[1] === channels ? x : layers.conv(`${name}.skip`, x, { channels, kernel: 1 });
  return layers.add(y, skip);
};

/** Hourglass of the DVE paper (one stack, depth 4, four bottlenecks a stage): 12,609,472 parameters at 64-D. */
const hourglass = (layers: Layers, image: Value, { embeddingSize }: NetworkSettings): Value => {
  const planes = 128;
  const stage = (name: string, x: Value): Value =>
    [0, 1, 2, 3].reduce((y, i) => bottleneck(layers, `${name}.${i}`, y, planes), x);
  const level = (depth: number, x: Value): Value => {
    const skip = stage(`hourglass${depth}.skip`, x);
    let y = stage(`hourglass${depth}.down`, layers.maxPool(skip));
    y = depth === 1 ? stage('hourglass.bottom', y) : level(depth - 1, y);
    y = stage(`hourglass${depth}.up`, y);
    return layers.add(skip, layers.upsample(y));
  };
  let x = layers.convNorm('stem', image, { channels: 64, kernel: 7, stride: 2, bias: true }, relu);
  x = bottleneck(layers, 'layer1', x, 64);
  x = bottleneck(layers, 'layer2', x, 128);
  x = bottleneck(layers, 'layer3', x, planes);
  x = stage('output', level(4, x));
  x = layers.convNorm('output.conv', x, { channels: planes * 2, kernel: 1, bias: true }, relu);
  return layers.conv('embedding', x, { channels: embeddingSize, kernel: 1 });
};

/** One kind of network: what it is, and what follows from that. */
type NetworkDefinition = {
  /** Input pixels per cell of the embedding map, along each axis. */ stride: number;
  /** What the input side must be a multiple of, pixels. */ granularity(settings: NetworkSettings): number;
  build(layers: Layers, image: Value, settings: NetworkSettings): Value;
};

const networks: Record<NetworkKind, NetworkDefinition> = {
  light: { stride: 2, granularity: ({ widths }) => 2 ** widths.length, build: light },
  smallnet: { stride: 2, granularity: () => 2, build: smallnet },
  hourglass: { stride: 2, granularity: () => 32, build: hourglass },
};

/**
 * Runs a network definition.
 * @param image (B, 3, S, S), standardised; S a multiple of `networkGranularity`
 * @returns (B, C, S/stride, S/stride) with the stride of `networkStride`, not normalised
 */
export const buildNetwork = (layers: Layers, image: Value, settings: NetworkSettings): Value =>
  networks[settings.kind].build(layers, image, settings);

/** Input pixels per cell of the embedding map, along each axis. */
export const networkStride = ({ kind }: Pick<NetworkSettings, 'kind'>): number => networks[kind].stride;

/** What the input side must be a multiple of, pixels. */
export const networkGranularity = (settings: NetworkSettings): number =>
  networks[settings.kind].granularity(settings);

/**
 * Channel counts of a network are multiples of this: onnxruntime-web 1.30 gives wrong results on WebGPU for
 * some convolutions over other counts (6 → 8 channels, for one; `test/browser/devices/operators.test.ts`).
 */
export const channelGranularity = 4;

/** @throws InputError when the network cannot take crops of `inputSize` pixels, or has odd channel counts */
export const checkInputSize = (settings: NetworkSettings, inputSize: number): void => {
  const multiple = networkGranularity(settings);
  if (inputSize <= 0 || inputSize % multiple !== 0) {
    throw new InputError(
      `inputSize is ${inputSize} but network "${settings.kind}" halves its input down to 1/${multiple}. Use a multiple of ${multiple}.`,
    );
  }
  const odd = [settings.embeddingSize, ...settings.widths].find((count) => count % channelGranularity !== 0);
  if (odd !== undefined) {
    throw new InputError(
      `The network has ${odd} channels somewhere (widths ${settings.widths.join(', ')}, embeddingSize ${settings.embeddingSize}), which WebGPU does not compute reliably. Use multiples of ${channelGranularity}.`,
    );
  }
};
