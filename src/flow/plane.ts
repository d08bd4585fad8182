/**
 * One channel of a picture, row-major. Values in 0–255 where it is a brightness.
 * `data` holds width · height numbers; pixel (x, y) is `data[y * width + x]`.
 */
export type GrayImage = { width: number; height: number; data: Float32Array };

/** Displacement of every pixel of a first picture to a second one, pixels, sampled at the first. */
export type FlowField = {
  width: number;
  height: number;
  /** Rightwards, row-major. */ x: Float32Array;
  /** Downwards, row-major. */ y: Float32Array;
};

/** An empty plane. */
export const createPlane = (width: number, height: number): GrayImage => ({
  width,
  height,
  data: new Float32Array(width * height),
});

/** Halves a plane by averaging 2×2 pixels; an odd last row or column is averaged with itself. */
export const halve = (source: GrayImage): GrayImage => {
  const target = createPlane((source.width + 1) >> 1, (source.height + 1) >> 1);
  const { data } = source;
  for (let y = 0; y < target.height; y++) {
    const upper = 2 * y * source.width;
    const lower = Math.min(2 * y + 1, source.height - 1) * source.width;
    for (let x = 0; x < target.width; x++) {
      const left = 2 * x;
      const right = Math.min(2 * x + 1, source.width - 1);
      target.data[y * target.width + x] =
        (data[upper + left] + data[upper + right] + data[lower + left] + data[lower + right]) / 4;
    }
  }
  return target;
};

/** Value at pixel index (x, y), not necessarily whole, between the four neighbours; borders repeated. */
export const sampleBilinear = (plane: GrayImage, x: number, y: number): number => {
  const { width, height, data } = plane;
  const clampedX = Math.min(Math.max(x, 0), width - 1);
  const clampedY = Math.min(Math.max(y, 0), height - 1);
  const x0 = Math.min(Math.floor(clampedX), Math.max(width - 2, 0));
  const y0 = Math.min(Math.floor(clampedY), Math.max(height - 2, 0));
  const right = Math.min(x0 + 1, width - 1);
  const lower = Math.min(y0 + 1, height - 1) * width;
  const upper = y0 * width;
  const fx = clampedX - x0;
  const fy = clampedY - y0;
  return (
    (1 - fy) * ((1 - fx) * data[upper + x0] + fx * data[upper + right]) +
    fy * ((1 - fx) * data[lower + x0] + fx * data[lower + right])
  );
};

/** Brings a flow to the next finer pyramid level: the one that {@link halve} made this one's from. */
export const doubleFlow = (flow: FlowField, width: number, height: number): FlowField => {
  const x = new Float32Array(width * height);
  const y = new Float32Array(width * height);
  const planeX = { width: flow.width, height: flow.height, data: flow.x };
  const planeY = { width: flow.width, height: flow.height, data: flow.y };
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0; column < width; column++, i++) {
      x[i] = 2 * sampleBilinear(planeX, column / 2 - 0.25, row / 2 - 0.25);
      y[i] = 2 * sampleBilinear(planeY, column / 2 - 0.25, row / 2 - 0.25);
    }
  }
  return { width, height, x, y };
};

/** Repeats the border pixels outwards by `margin` pixels on every side. */
export const pad = (source: GrayImage, margin: number): GrayImage => {
  const target = createPlane(source.width + 2 * margin, source.height + 2 * margin);
  for (let y = 0; y < target.height; y++) {
    const sourceRow = Math.min(Math.max(y - margin, 0), source.height - 1) * source.width;
    const row = y * target.width;
    for (let x = 0; x < margin; x++) {
      target.data[row + x] = source.data[sourceRow];
      target.data[row + margin + source.width + x] = source.data[sourceRow + source.width - 1];
    }
    target.data.set(source.data.subarray(sourceRow, sourceRow + source.width), row + margin);
  }
  return target;
};

/** Horizontal and vertical derivative by the 5-point stencil (1, −8, 0, 8, −1)/12, borders repeated. */
export const derivatives = (source: GrayImage): { x: Float32Array; y: Float32Array } => {
  const { width, height, data } = source;
  const dx = new Float32Array(width * height);
  const dy = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    const up2 = Math.max(y - 2, 0) * width;
    const up1 = Math.max(y - 1, 0) * width;
    const down1 = Math.min(y + 1, height - 1) * width;
    const down2 = Math.min(y + 2, height - 1) * width;
    for (let x = 0; x < width; x++) {
      const inside = x >= 2 && x < width - 2;
      const left2 = inside ? x - 2 : Math.max(x - 2, 0);
      const left1 = inside ? x - 1 : Math.max(x - 1, 0);
      const right1 = inside ? x + 1 : Math.min(x + 1, width - 1);
      const right2 = inside ? x + 2 : Math.min(x + 2, width - 1);
      dx[row + x] =
        (8 * (data[row + right1] - data[row + left1]) - (data[row + right2] - data[row + left2])) / 12;
      dy[row + x] = (8 * (data[down1 + x] - data[up1 + x]) - (data[down2 + x] - data[up2 + x])) / 12;
    }
  }
  return { x: dx, y: dy };
};
