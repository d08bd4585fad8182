import type { Picture, PictureLevel, PictureSet } from './pictures.ts';
import type { GridMap } from './grid-map.ts';

/** Positions of all pixel centres of a crop, row-major. */
export type SamplePositions = { x: Float32Array; y: Float32Array };

export const createSamplePositions = (size: number): SamplePositions => ({
  x: new Float32Array(size * size),
  y: new Float32Array(size * size),
});

/** Evaluates a map at every pixel centre of its crop: picture pixels. */
export const fillSamplePositions = (map: GridMap, out: SamplePositions): void => {
  const { size, cells, x, y } = map;
  const nodes = cells + 1;
  for (let row = 0; row < size; row++) {
    const gy = ((row + 0.5) / size) * cells;
    const latticeRow = Math.min(cells - 1, Math.floor(gy));
    const v = gy - latticeRow;
    for (let column = 0; column < size; column++) {
      const gx = ((column + 0.5) / size) * cells;
      const latticeColumn = Math.min(cells - 1, Math.floor(gx));
      const u = gx - latticeColumn;
      const a = latticeRow * nodes + latticeColumn;
      const c = a + nodes;
      const pixel = row * size + column;
      out.x[pixel] = (1 - v) * (x[a] + u * (x[a + 1] - x[a])) + v * (x[c] + u * (x[c + 1] - x[c]));
      out.y[pixel] = (1 - v) * (y[a] + u * (y[a + 1] - y[a])) + v * (y[c] + u * (y[c + 1] - y[c]));
    }
  }
};

/** Picture pixels per crop pixel: the side of a square with the mean area of a crop pixel. */
const meanScale = ({ size, x, y, cells }: GridMap): number => {
  const last = x.length - 1;
  const corner = last - cells;
  // Area of the quadrilateral of the four corners, from its diagonals.
  const area = 0.5 * ((x[last] - x[0]) * (y[corner] - y[cells]) - (x[corner] - x[cells]) * (y[last] - y[0]));
  return Math.sqrt(Math.abs(area)) / size;
};

/** Adds `weight` times the bilinear samples of one level; positions beyond the edge take the edge's pixels. */
const addLevel = (
  bytes: Uint8Array,
  picture: Picture,
  { offset, width, height }: PictureLevel,
  positions: SamplePositions,
  weight: number,
  out: Float32Array,
): void => {
  const count = positions.x.length;
  const scaleX = width / picture.width;
  const scaleY = height / picture.height;
  const maxX = width - 1;
  const maxY = height - 1;
  const gain = weight / 255;
  for (let pixel = 0; pixel < count; pixel++) {
    const px = Math.min(maxX, Math.max(0, positions.x[pixel] * scaleX - 0.5));
    const py = Math.min(maxY, Math.max(0, positions.y[pixel] * scaleY - 0.5));
    const column = px | 0;
    const row = py | 0;
    const u = px - column;
    const v = py - row;
    const a = offset + (row * width + column) * 3;
    const right = column < maxX ? 3 : 0;
    const down = row < maxY ? width * 3 : 0;
    const w11 = u * v * gain;
    const w10 = v * gain - w11;
    const w01 = u * gain - w11;
    const w00 = gain - w01 - w10 - w11;
    const b = a + right;
    const c = a + down;
    const d = c + right;
    out[pixel] += w00 * bytes[a] + w01 * bytes[b] + w10 * bytes[c] + w11 * bytes[d];
    out[pixel + count] += w00 * bytes[a + 1] + w01 * bytes[b + 1] + w10 * bytes[c + 1] + w11 * bytes[d + 1];
    out[pixel + 2 * count] +=
      w00 * bytes[a + 2] + w01 * bytes[b + 2] + w10 * bytes[c + 2] + w11 * bytes[d + 2];
  }
};

/**
 * Renders a picture through a map, trilinear between mip levels so that nothing aliases.
 * @param levelShift added to the mip level: positive is softer (a coarser camera), negative sharper
 * @param positions of the map's pixel centres, from {@link fillSamplePositions}
 * @param out (3, size, size) planar RGB 0–1
 */
export const renderPicture = (
  set: PictureSet,
  picture: Picture,
  map: GridMap,
  positions: SamplePositions,
  levelShift: number,
  out: Float32Array,
): void => {
  const { levels } = picture;
  const level = Math.min(levels.length - 1, Math.max(0, Math.log2(meanScale(map)) + levelShift));
  const finer = Math.floor(level);
  const share = level - finer;
  out.fill(0);
  addLevel(set.bytes, picture, levels[finer], positions, 1 - share, out);
  if (share > 0) addLevel(set.bytes, picture, levels[finer + 1], positions, share, out);
};
