/** Base of every error this package throws on purpose. `message` states both sides and the remedy. */
export class DveError extends Error {
  override name = 'DveError';
}

/** An option, argument, file or picture that the caller can put right. */
export class InputError extends DveError {
  override name = 'InputError';
}

/** A model directory, network file or landmark set that cannot be used, or two that do not belong together. */
export class ModelError extends DveError {
  override name = 'ModelError';
}

/** The asked-for device (WebGPU, wasm) cannot run the network, or was lost. */
export class DeviceError extends DveError {
  override name = 'DeviceError';
}

/** A camera, video or frame stream that refused, broke or vanished. */
export class SourceError extends DveError {
  override name = 'SourceError';
}

/** The object was closed (or its worker died) before or during the call. */
export class ClosedError extends DveError {
  override name = 'ClosedError';
}

/** First line of whatever was thrown, for a message of one's own: ONNX Runtime's go on for pages. */
export const firstLine = (error: unknown): string =>
  String(error instanceof Error ? error.message : error)
    .split('\n')[0]
    .trim();
