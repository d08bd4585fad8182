/** A mask that the visitor paints, on the live face: on its mesh, or on a picture of a face that is matched with it densely. */
import { createMeshPainter, type MeshPainter } from '../shared/mesh-painter.ts';
import { button, chosen, element, input } from '../shared/elements.ts';
import { drawSampleFace } from '../shared/sample-face.ts';
import { faceUrl, openStage, orSay, type StageFrame } from '../shared/stage.ts';
import { createDenseMask } from './dense.ts';
import { cat, grid, tiger } from './drawings.ts';

const paint = element('paint', HTMLCanvasElement);
const brush = paint.getContext('2d');
if (brush === null) throw new Error('This browser has no 2-D canvas.');
const { width: side } = paint;
let painter: MeshPainter | undefined;
/** Where each vertex lies in the texture: known with the first face. */
let uv: Float32Array | undefined;

const squareCanvas = (): HTMLCanvasElement => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [side, side];
  return canvas;
};
/** The face's own lines, faintly, to know where to paint. */
const guide = squareCanvas();
/** The picture of a face that is painted on. */
const reference = squareCanvas();
const dense = createDenseMask();
/** What was painted in the other way. */
const aside = squareCanvas();
const isDense = (): boolean => chosen('way') === 'picture';

/** Behind what is painted. */
const showGround = (): void => {
  paint.style.backgroundImage = `url(${(isDense() ? reference : guide).toDataURL()})`;
};

const drawGuide = (places: Float32Array, index: Uint16Array): void => {
  const lines = guide.getContext('2d');
  if (lines === null) return;
  lines.strokeStyle = '#8884';
  for (let t = 0; t < index.length; t += 3) {
    lines.beginPath();
    for (const v of [index[t], index[t + 1], index[t + 2], index[t]]) {
      lines.lineTo(places[2 * v] * side, places[2 * v + 1] * side);
    }
    lines.stroke();
  }
  showGround();
};

const drawMask = async ({ face, tracking, context, width, height }: StageFrame): Promise<void> => {
  if (face.status === 'searching') return;
  const { mesh } = face;
  if (uv === undefined) drawGuide(mesh.uv, mesh.index);
  uv = mesh.uv;
  const layer = isDense() ? await dense.meshIn(tracking) : { points: mesh.points, uv, index: mesh.index };
  if (layer === undefined) return;
  if (painter?.canvas.width !== width || painter.canvas.height !== height)
    painter = createMeshPainter(width, height);
  painter.draw([{ ...layer, texture: paint }]);
  context.save();
  context.globalAlpha = Number(input('opacity').value);
  context.drawImage(painter.canvas, 0, 0);
  context.restore();
};

const clear = (): void => {
  brush.clearRect(0, 0, side, side);
};

const setReference = (picture: CanvasImageSource, x: number, y: number, size: number): void => {
  reference.getContext('2d')?.drawImage(picture, x, y, size, size, 0, 0, side, side);
  dense.setReference(reference);
  showGround();
};

/** Of a picture what fills the square; a huge one is made small at once, one without alpha covers everything. */
const showPicture = async (file: File): Promise<void> => {
  const picture = await createImageBitmap(file, { resizeWidth: side, resizeHeight: side });
  if (isDense()) setReference(picture, 0, 0, side);
  clear();
  if (!isDense()) brush.drawImage(picture, 0, 0);
  picture.close();
};

/** What was painted in this way comes back, and the other is kept. */
const changeWay = (): void => {
  const now = squareCanvas();
  now.getContext('2d')?.drawImage(paint, 0, 0);
  clear();
  brush.drawImage(aside, 0, 0);
  const kept = aside.getContext('2d');
  kept?.clearRect(0, 0, side, side);
  kept?.drawImage(now, 0, 0);
  showGround();
};

const placeOf = (event: PointerEvent): [number, number] => {
  const box = paint.getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * side, ((event.clientY - box.top) / box.height) * side];
};

paint.style.touchAction = 'none';
paint.onpointerdown = (event) => {
  paint.setPointerCapture(event.pointerId);
  brush.beginPath();
  brush.moveTo(...placeOf(event));
};
paint.onpointermove = (event) => {
  if (event.buttons === 0) return;
  brush.strokeStyle = input('colour').value;
  brush.lineWidth = 14;
  brush.lineCap = brush.lineJoin = 'round';
  brush.lineTo(...placeOf(event));
  brush.stroke();
};
for (const [name, drawing] of Object.entries({ tiger, grid, cat })) {
  button(name).onclick = () => {
    clear();
    drawing(brush);
  };
}
button('clear').onclick = clear;
for (const way of document.querySelectorAll<HTMLInputElement>('input[name="way"]')) way.onchange = changeWay;
cat(brush);
aside.getContext('2d')?.drawImage(paint, 0, 0);
clear();
tiger(brush);

openStage(drawMask)
  .then(async ({ onPicture, say }) => {
    onPicture((file) => {
      showPicture(file).catch(() => {
        say(`${file.name} is no picture that this browser can read.`);
      });
    });
    setReference(await drawSampleFace(faceUrl), 140, 60, 360);
  })
  .catch(orSay);
