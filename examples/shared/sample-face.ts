/** A face that moves and that nobody has to show: the puppet's own, drawn live. It looks like nobody. */
import { createPosedFace, type Expressions } from 'dve-sdk/puppet';
import { createMeshPainter } from './mesh-painter.ts';

const [width, height] = [640, 480];
const focalLength = 540;

/** For tests: `?still` in the page's address. */
const isStill = new URLSearchParams(location.search).has('still');

/** Where the face is, how it is turned (radians) and what it does. */
export type SamplePose = {
  expressions: Partial<Expressions>;
  yaw: number;
  pitch: number;
  roll: number;
  x: number;
  y: number;
};

/** Who it is. */
export type SampleLook = {
  identity?: readonly number[];
  hair?: string;
  /** A canvas filter. */ skin?: string;
  wall?: readonly [string, string];
};

/** What it does, over and over. @param t seconds */
const motionAt = (t: number): SamplePose => {
  const wave = (seconds: number, phase = 0): number => Math.sin((2 * Math.PI * t) / seconds + phase);
  const talk = Math.max(0, wave(7)) * (0.35 + 0.3 * wave(0.9));
  const smile = Math.max(0, wave(9, 2));
  const blink = Math.max(0, 1 - Math.abs((t % 3.4) - 1.7) / 0.14);
  const brow = Math.max(0, wave(11, 1)) ** 2;
  const expressions: Partial<Expressions> = {
    jawOpen: Math.max(0, talk),
    ...{ mouthSmileLeft: 0.8 * smile, mouthSmileRight: 0.8 * smile },
    ...{
      eyeBlinkLeft: blink,
      eyeBlinkRight: blink,
      browInnerUp: brow,
      browOuterUpLeft: brow,
      browOuterUpRight: brow,
    },
  };
  return {
    expressions,
    yaw: 0.35 * wave(8),
    pitch: 0.1 * wave(6, 1),
    roll: 0.08 * wave(10),
    x: 3 * wave(12),
    y: 1.5 * wave(9),
  };
};

/** Places of (V, 3) head coordinates in the picture. */
const project = (positions: Float32Array, { yaw, pitch, roll, x, y }: SamplePose) => {
  const points = new Float32Array((positions.length / 3) * 2);
  const depths = new Float32Array(positions.length / 3);
  const [cy, sy, cp, sp, cr, sr] = [yaw, pitch, roll].flatMap((angle) => [Math.cos(angle), Math.sin(angle)]);
  for (let v = 0; v < depths.length; v++) {
    const [px, py, pz] = positions.subarray(3 * v, 3 * v + 3);
    const [qx, qz] = [cy * px + sy * pz, cy * pz - sy * px];
    const [ry, rz] = [cp * py - sp * qz, cp * qz + sp * py];
    depths[v] = 52 - rz;
    points[2 * v] = width / 2 + (focalLength * (cr * qx - sr * ry + x)) / depths[v];
    points[2 * v + 1] = height / 2 - (focalLength * (sr * qx + cr * ry + y)) / depths[v];
  }
  return { points, depths };
};

const loadPicture = async (url: string): Promise<ImageBitmap> =>
  createImageBitmap(await (await fetch(url)).blob());

const plain = (colour: string): OffscreenCanvas => {
  const canvas = new OffscreenCanvas(4, 4);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('This browser has no 2-D canvas.');
  context.fillStyle = colour;
  context.fillRect(0, 0, 4, 4);
  return canvas;
};

/** Fills the outline through some vertices. */
const outline = (context: CanvasRenderingContext2D, points: Float32Array, rim: Uint16Array): Path2D => {
  const path = new Path2D();
  for (const v of rim) path.lineTo(points[2 * v], points[2 * v + 1]);
  path.closePath();
  context.fill(path);
  return path;
};

const drawEye = (context: CanvasRenderingContext2D, points: Float32Array, rim: Uint16Array): void => {
  context.fillStyle = '#e9e1dc';
  const path = outline(context, points, rim);
  const xs = [...rim].map((v) => points[2 * v]);
  const ys = [...rim].map((v) => points[2 * v + 1]);
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [x, y, radius] = [(left + right) / 2, (Math.min(...ys) + Math.max(...ys)) / 2, (right - left) * 0.22];
  context.save();
  context.clip(path);
  for (const [share, colour] of [
    [1, '#5b3d2a'],
    [0.45, '#120c0a'],
  ] as const) {
    context.fillStyle = colour;
    context.beginPath();
    context.arc(x, y, radius * share, 0, 7);
    context.fill();
  }
  context.restore();
};

/** The skin, as it is or through a filter. */
const loadSkin = async (filter?: string): Promise<TexImageSource> => {
  const skin = await loadPicture(new URL('./sample-face.jpg', import.meta.url).href);
  if (filter === undefined) return skin;
  const canvas = new OffscreenCanvas(skin.width, skin.height);
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('This browser has no 2-D canvas.');
  context.filter = filter;
  context.drawImage(skin, 0, 0);
  return canvas;
};

/** A face to be drawn again and again on one canvas. @param faceUrl of the package's `face.bin` */
const createSampleFace = async (faceUrl: string | URL, look: SampleLook = {}) => {
  const [bytes, texture] = await Promise.all([
    fetch(faceUrl).then((response) => response.arrayBuffer()),
    loadSkin(look.skin),
  ]);
  const face = createPosedFace(bytes, look.identity);
  const { mesh } = face;
  const painter = createMeshPainter(width, height);
  const hair = plain(look.hair ?? '#2b1f1a');
  const [left, right] = look.wall ?? ['#7d93a6', '#c9c3b4'];
  const back = new Float32Array((mesh.occluder.positions.length / 3) * 2);
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('This browser has no 2-D canvas.');
  const draw = (pose: SamplePose): void => {
    face.setExpressions(pose.expressions);
    const front = project(mesh.positions, pose);
    const head = project(mesh.occluder.positions, pose);
    const slope = context.createLinearGradient(0, 0, width, height);
    slope.addColorStop(0, left);
    slope.addColorStop(1, right);
    context.fillStyle = slope;
    context.fillRect(0, 0, width, height);
    painter.draw([{ ...head, uv: back, index: mesh.occluder.index, texture: hair }]);
    context.drawImage(painter.canvas, 0, 0);
    context.fillStyle = '#3c1412';
    outline(context, front.points, mesh.openings.mouth);
    drawEye(context, front.points, mesh.openings.leftEye);
    drawEye(context, front.points, mesh.openings.rightEye);
    painter.draw([{ ...front, uv: mesh.uv, index: mesh.index, texture }]);
    context.drawImage(painter.canvas, 0, 0);
  };
  return { canvas, draw };
};

const atRest: SamplePose = { expressions: {}, yaw: 0, pitch: 0, roll: 0, x: 0, y: 0 };

/** A picture of the face. @param faceUrl of the package's `face.bin` @param pose what is not at rest */
export const drawSampleFace = async (
  faceUrl: string | URL,
  pose: Partial<SamplePose> = {},
  look: SampleLook = {},
): Promise<HTMLCanvasElement> => {
  const { canvas, draw } = await createSampleFace(faceUrl, look);
  draw({ ...atRest, ...pose });
  return canvas;
};

/** Less of a motion. */
const lessen = (pose: SamplePose, share: number): SamplePose => ({
  expressions: Object.fromEntries(
    Object.entries(pose.expressions).map(([name, value]) => [name, share * value]),
  ),
  ...{ yaw: share * pose.yaw, pitch: share * pose.pitch, roll: share * pose.roll },
  ...{ x: share * pose.x, y: share * pose.y },
});

export type SampleFace = {
  stream: MediaStream;
  /** Until then it is at rest, so that it can be got to know. */ move: () => void;
  stop: () => void;
};

/** The face as a stream. @param faceUrl of the package's `face.bin` */
export const openSampleFace = async (faceUrl: string | URL): Promise<SampleFace> => {
  const { canvas, draw } = await createSampleFace(faceUrl);
  let since: number | undefined;
  const drawNow = (): void => {
    const t = since === undefined ? 0 : (performance.now() - since) / 1000;
    draw(isStill ? motionAt(0) : lessen(motionAt(t), Math.min(1, t)));
  };
  drawNow();
  const timer = setInterval(drawNow, 33);
  return {
    stream: canvas.captureStream(30),
    move: () => {
      since ??= performance.now();
    },
    stop: () => {
      clearInterval(timer);
    },
  };
};
