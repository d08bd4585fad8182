/** Crops of pictures in memory, apart from those of a camera's planes: checking a device needs these alone. */
import type { Point, Size } from '../geometry/coordinates.ts';
import { cropToImage, type Roi } from '../geometry/roi.ts';

/** A picture in memory, rows from top to bottom, channels interleaved: ImageData, or what sharp and ffmpeg give. */
export type PixelImage = Size & {
  /** width · height · channels bytes. */ data: Uint8Array | Uint8ClampedArray;
  /** 3: RGB, 4: RGBA (alpha is ignored). */ channels: 3 | 4;
};

/**
 * Samples per side of one output pixel, K. One bilinear sample covers two source pixels, so K grows with half the
 * reduction. Above 3 it stops growing: nine samples are antialiased enough for crops that shrink more than six times, and
 * a large square of a large frame must not take longer than the network.
 */
export const supersampling = (roiSize: number, cropSize: number): number =>
  Math.min(3, Math.max(1, Math.ceil(roiSize / cropSize / 2 - 1e-6)));

/**
 * Where the samples lie: sample (p, q) of the S·K × S·K grid is at crop position ((p + 0.5) / K, (q + 0.5) / K),
 * taken to the image by `cropToImage`; output pixel (i, j) is the mean of the K × K samples inside it. Positions here are
 * array positions (a pixel's centre at a whole number), hence the half pixel taken off.
 */
type SampleGrid = {
  /** Array position of sample (0, 0). */ origin: Point;
  /** From one sample to the next along a row; (−y, x) is the step down a column. */ step: Point;
  /** K. */ perPixel: number;
};

export const sampleGrid = (roi: Roi, cropSize: number, perPixel: number): SampleGrid => {
  const half = 0.5 / perPixel;
  const first = cropToImage({ x: half, y: half }, roi, cropSize);
  const step = roi.size / cropSize / perPixel;
  return {
    origin: { x: first.x - 0.5, y: first.y - 0.5 },
    step: { x: step * Math.cos(roi.rotation), y: step * Math.sin(roi.rotation) },
    perPixel,
  };
};

/** Whether no sample needs the pixels beyond the edge. */
export const liesInside = (grid: SampleGrid, cropSize: number, size: Size): boolean => {
  const last = cropSize * grid.perPixel - 1;
  return [
    [0, 0],
    [last, 0],
    [0, last],
    [last, last],
  ].every(([p, q]) => {
    const x = grid.origin.x + p * grid.step.x - q * grid.step.y;
    const y = grid.origin.y + p * grid.step.y + q * grid.step.x;
    return x >= 0 && y >= 0 && x < size.width - 1 && y < size.height - 1;
  });
};

/**
 * `cropToTensor` for pictures whose channels are interleaved.
 * @param tensor (3, S, S), written to: planar RGB, 0–1
 */
export const cropInterleaved = (
  image: PixelImage,
  roi: Roi,
  cropSize: number,
  tensor: Float32Array,
): void => {
  const { data, width, height, channels } = image;
  const grid = sampleGrid(roi, cropSize, supersampling(roi.size, cropSize));
  const inside = liesInside(grid, cropSize, image);
  const k = grid.perPixel;
  const { x: stepX, y: stepY } = grid.step;
  const right = width > 1 ? channels : 0;
  const down = height > 1 ? width * channels : 0;
  const lastColumn = Math.max(0, width - 2);
  const lastRow = Math.max(0, height - 2);
  const plane = cropSize * cropSize;
  const scale = 1 / (255 * k * k);
  for (let j = 0, pixel = 0; j < cropSize; j++) {
    for (let i = 0; i < cropSize; i++, pixel++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let q = j * k; q < (j + 1) * k; q++) {
        for (let p = i * k; p < (i + 1) * k; p++) {
          let x = grid.origin.x + p * stepX - q * stepY;
          let y = grid.origin.y + p * stepY + q * stepX;
          if (!inside) {
            x = x < 0 ? 0 : x > width - 1 ? width - 1 : x;
            y = y < 0 ? 0 : y > height - 1 ? height - 1 : y;
          }
          let column = x | 0;
          let row = y | 0;
          if (column > lastColumn) column = lastColumn;
          if (row > lastRow) row = lastRow;
          const fx = x - column;
          const fy = y - row;
          const bottomRight = fx * fy;
          const topRight = fx - bottomRight;
          const bottomLeft = fy - bottomRight;
          const topLeft = 1 - fx - bottomLeft;
          const a = (row * width + column) * channels;
          const b = a + right;
          const c = a + down;
          const d = c + right;
          red += data[a] * topLeft + data[b] * topRight + data[c] * bottomLeft + data[d] * bottomRight;
          green +=
            data[a + 1] * topLeft +
            data[b + 1] * topRight +
            data[c + 1] * bottomLeft +
            data[d + 1] * bottomRight;
          blue +=
            data[a + 2] * topLeft +
            data[b + 2] * topRight +
            data[c + 2] * bottomLeft +
            data[d + 2] * bottomRight;
        }
      }
      tensor[pixel] = red * scale;
      tensor[pixel + plane] = green * scale;
      tensor[pixel + 2 * plane] = blue * scale;
    }
  }
};
