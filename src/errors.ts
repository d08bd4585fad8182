/** Base of every error this package throws on purpose. `message` states both sides and the remedy. */
export class DveError extends Error {
  override name = 'DveError';

  constructor(message = '', options?: ErrorOptions) {
    // A name out of a damaged file may be as long as the file: a message is one line that can be read.
    super(message.replace(/(\S{300})\S+/g, '$1…'), options);
  }
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

/** A training whose loss is no longer a finite number. Its state is still that of before the step. */
export class DivergedError extends DveError {
  override name = 'DivergedError';
}

/** Two shapes that an operator cannot join, a name used twice, or an element count that does not fit. */
export class GraphError extends DveError {
  override name = 'GraphError';
}

/** First line of whatever was thrown, for a message of one's own: ONNX Runtime's go on for pages. */
export const firstLine = (error: unknown): string =>
  String(error instanceof Error ? error.message : error)
    .split(/[\n\r]/)[0]
    .trim();

/** A value of a file or an option in a message. Anything may stand there: JSON.stringify itself fails on what is nested deeply. */
export const shownValue = (value: unknown): string => {
  if (value === undefined) return 'missing';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  return JSON.stringify(value).slice(0, 60);
};
