import { DeviceError } from '../errors.ts';
import type { Size } from '../geometry/coordinates.ts';
import type { Roi } from '../geometry/roi.ts';
import { cropToGray, cropToTensor, type PixelImage, type PlanarImage } from './crop.ts';
import type { Cropper } from './cropper.ts';
import { frameSize } from './frame-size.ts';
import type { GrayCropper } from './motion-follower.ts';

/** An axis-aligned part of a picture, whole pixels. */
type Rect = { x: number; y: number; width: number; height: number };

const planarFormats = ['I420', 'NV12'];
const interleavedFormats = ['RGBA', 'RGBX', 'BGRA', 'BGRX'];

/** Newer than the type definitions: how the stored picture is to be turned for showing it. */
type Oriented = { rotation?: 0 | 90 | 180 | 270; flip?: boolean };

const isEven = (value: number): boolean => value % 2 === 0;

/** From image pixels to the pixels of the frame's own planes, where one is a turned and scaled copy of the other. */
type PlaneMapping = { toPlanes(roi: Roi): Roi; size: Size };

/** The mapping, or undefined where the planes are mirrored or their pixels are not square. */
const planeMapping = (frame: VideoFrame): PlaneMapping | undefined => {
  const visible = frame.visibleRect;
  const { rotation = 0, flip = false } = frame as Oriented;
  // Colour values lie on every second pixel, so that only even corners can be read.
  if (visible === null || flip || !isEven(visible.x) || !isEven(visible.y)) return undefined;
  const { width, height } = visible;
  const isTurned = rotation === 90 || rotation === 270;
  const shown = frameSize(frame);
  const scale = shown.width / (isTurned ? height : width);
  const otherScale = shown.height / (isTurned ? width : height);
  // Sizes are rounded to whole pixels, so that square pixels may differ by one in the whole picture.
  if (Math.abs(scale / otherScale - 1) > 2 / Math.min(width, height)) return undefined;
  const turn = (rotation * Math.PI) / 180;
  const [cos, sin] = [Math.round(Math.cos(turn)), Math.round(Math.sin(turn))];
  return {
    size: { width, height },
    toPlanes: ({ center, size, rotation: angle }) => {
      // About the two pictures' centres, which lie on each other.
      const x = (center.x - shown.width / 2) / scale;
      const y = (center.y - shown.height / 2) / scale;
      return {
        center: { x: width / 2 + cos * x + sin * y, y: height / 2 - sin * x + cos * y },
        size: size / scale,
        rotation: angle - turn,
      };
    },
  };
};

/** The smallest part of a picture that holds every pixel that cropping these squares touches; even edges, for I420. */
export const touchedRect = (rois: readonly Roi[], size: Size): Rect => {
  // Two pixels more: one for bilinear samples, one because a colour value covers two.
  const margin = 2;
  const reach = rois.map((roi) => {
    const half = (roi.size / 2) * (Math.abs(Math.cos(roi.rotation)) + Math.abs(Math.sin(roi.rotation)));
    return { x: roi.center.x, y: roi.center.y, half: half + margin };
  });
  const clamp = (value: number, high: number): number => Math.min(Math.max(value, 0), high);
  const low = (values: number[], length: number): number => {
    // Squares that lie wholly outside still need the border's pixels.
    const edge = clamp(Math.floor(Math.min(...values)), Math.max(length - 2, 0));
    return isEven(edge) ? edge : edge - 1;
  };
  const high = (values: number[], from: number, length: number): number => {
    const edge = clamp(Math.ceil(Math.max(...values)), length);
    return Math.min(length, Math.max(isEven(edge) ? edge : edge + 1, from + 2));
  };
  const x = low(
    reach.map((r) => r.x - r.half),
    size.width,
  );
  const y = low(
    reach.map((r) => r.y - r.half),
    size.height,
  );
  const right = high(
    reach.map((r) => r.x + r.half),
    x,
    size.width,
  );
  const bottom = high(
    reach.map((r) => r.y + r.half),
    y,
    size.height,
  );
  return { x, y, width: right - x, height: bottom - y };
};

const moved = (roi: Roi, { x, y }: Rect): Roi => ({
  ...roi,
  center: { x: roi.center.x - x, y: roi.center.y - y },
});

/** Swaps the red and the blue plane of one (3, S, S) crop. */
const swapRedAndBlue = (tensor: Float32Array, plane: number): void => {
  const red = tensor.slice(0, plane);
  tensor.copyWithin(0, 2 * plane, 3 * plane);
  tensor.set(red, 2 * plane);
};

/** Memory that is kept from frame to frame and grows when it has to. */
const scratch = () => {
  let bytes = new Uint8Array(0);
  let floats = new Float32Array(0);
  return {
    bytes: (length: number): Uint8Array<ArrayBuffer> => {
      if (bytes.length < length) bytes = new Uint8Array(length);
      return bytes.subarray(0, length);
    },
    floats: (length: number): Float32Array<ArrayBuffer> => {
      if (floats.length < length) floats = new Float32Array(length);
      return floats.subarray(0, length);
    },
  };
};

const planarImage = (frame: VideoFrame, rect: Rect, data: Uint8Array, layout: PlaneLayout[]): PlanarImage => {
  const { matrix, fullRange } = frame.colorSpace;
  return {
    width: rect.width,
    height: rect.height,
    format: frame.format === 'NV12' ? 'NV12' : 'I420',
    planes: layout.map(({ offset, stride }) => ({ data, offset, stride })),
    matrix: matrix === 'bt709' ? 'bt709' : 'bt601',
    fullRange: fullRange === true,
  };
};

/** The part of a frame that some squares touch, and the squares in it. */
type OpenedFrame = { image: PixelImage | PlanarImage; squares: Roi[]; isBlueFirst: boolean };

/** Reads frames, each into the same memory as the one before. */
const createOpener = (memory: ReturnType<typeof scratch>) => {
  let canvas: OffscreenCanvas | undefined;
  /** Formats that this browser draws but does not give the bytes of: in WebKit BGRX. */
  const unreadable = new Set<string>();

  const drawn = (frame: VideoFrame, rect: Rect): PixelImage => {
    canvas ??= new OffscreenCanvas(rect.width, rect.height);
    if (canvas.width < rect.width) canvas.width = rect.width;
    if (canvas.height < rect.height) canvas.height = rect.height;
    const context = canvas.getContext('2d', { willReadFrequently: true, alpha: false });
    if (context === null) {
      throw new DeviceError(
        'no 2D canvas can be made for this frame format. Pass frames in I420, NV12 or RGBA.',
      );
    }
    const { width, height } = frameSize(frame);
    context.drawImage(frame, -rect.x, -rect.y, width, height);
    const { data } = context.getImageData(0, 0, rect.width, rect.height);
    return { width: rect.width, height: rect.height, data, channels: 4 };
  };

  /** The part of the frame's own planes, with the rectangle's corner as the origin. */
  const read = async (frame: VideoFrame, rect: Rect): Promise<PixelImage | PlanarImage> => {
    const { x = 0, y = 0 } = frame.visibleRect ?? {};
    const options = { rect: { ...rect, x: rect.x + x, y: rect.y + y } };
    const data = memory.bytes(frame.allocationSize(options));
    const layout = await frame.copyTo(data, options);
    if (planarFormats.includes(String(frame.format))) return planarImage(frame, rect, data, layout);
    return { width: rect.width, height: rect.height, data, channels: 4 };
  };

  /** The part of a frame that some squares touch, and the squares in it. */
  const open = async (frame: VideoFrame, rois: readonly Roi[]): Promise<OpenedFrame> => {
    const format = String(frame.format);
    const isReadable =
      !unreadable.has(format) && (planarFormats.includes(format) || interleavedFormats.includes(format));
    const mapping = isReadable ? planeMapping(frame) : undefined;
    const squares = mapping === undefined ? rois : rois.map((roi) => mapping.toPlanes(roi));
    const rect = touchedRect(squares, mapping?.size ?? frameSize(frame));
    const inRect = squares.map((roi) => moved(roi, rect));
    if (mapping === undefined) return { image: drawn(frame, rect), squares: inRect, isBlueFirst: false };
    try {
      return { image: await read(frame, rect), squares: inRect, isBlueFirst: format.startsWith('BGR') };
    } catch (error) {
      // Of a closed frame nothing can be drawn, either.
      if (frame.format === null || unreadable.has(format)) throw error;
      unreadable.add(format);
      return open(frame, rois);
    }
  };
  return open;
};

/**
 * Crops VideoFrames on the CPU, reading only the rectangle of the frame's own planes that the squares touch. Frames
 * that are mirrored, have oblong pixels or an uncommon format go through a canvas, which takes longer.
 */
export const createPlaneCropper = (): Cropper<VideoFrame, Float32Array> => {
  const memory = scratch();
  const open = createOpener(memory);
  return {
    frameSize,
    crop: async (frame, rois, cropSize) => {
      const plane = cropSize * cropSize;
      const tensor = memory.floats(rois.length * 3 * plane);
      const { image, squares, isBlueFirst } = await open(frame, rois);
      squares.forEach((roi, index) => {
        const offset = index * 3 * plane;
        cropToTensor(image, roi, cropSize, tensor, offset);
        if (isBlueFirst) swapRedAndBlue(tensor.subarray(offset, offset + 3 * plane), plane);
      });
      return tensor;
    },
  };
};

/** As `createPlaneCropper`, the brightness of one square alone: of planar frames the first plane as it stands. */
export const createPlaneGray = (): GrayCropper<VideoFrame> => {
  const open = createOpener(scratch());
  return async (frame, roi, side) => {
    // Blue before red is another grey, and the same one in every frame.
    const { image, squares } = await open(frame, [roi]);
    return cropToGray(image, squares[0], side);
  };
};
