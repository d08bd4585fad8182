import type { Manifest } from './manifest.ts';

/** Where a network runs: `cpu` is onnxruntime-node, `wasm` and `webgpu` are onnxruntime-web. */
export type SessionDevice = 'cpu' | 'wasm' | 'webgpu';

/** Which of a model's networks: `int8` has 8-bit weights and activations. */
export type SessionPrecision = 'fp32' | 'int8';

/**
 * A loaded network with its matching head. One implementation for browsers, one for Node.
 * Calls may overlap; they run one after the other, and one that fails does not fail the next.
 */
export type ModelSession = {
  readonly manifest: Manifest;
  readonly device: SessionDevice;
  readonly precision: SessionPrecision;
  /**
   * @param image (B, 3, S, S) planar RGB, 0–1
   * @returns (B, C, H, W) unit vectors, H = W = S / stride
   */
  embed(image: Float32Array): Promise<Float32Array>;
  /**
   * @param image (B, 3, S, S) planar RGB, 0–1
   * @param references (N, C) unit vectors
   * @returns (B, N, 3): x, y in crop pixels, confidence 0–1
   */
  match(image: Float32Array, references: Float32Array): Promise<Float32Array>;
  /** Waits for the run in progress and frees the network. Calls still waiting, and later ones, get a ClosedError. */
  close(): Promise<void>;
};
