/** A mask that the visitor paints, on the live face. */
import { createMeshPainter, type MeshPainter } from '../shared/mesh-painter.ts';
import { button, element, input } from '../shared/elements.ts';
import { openStage, orSay, type StageFrame } from '../shared/stage.ts';

const paint = element('paint', HTMLCanvasElement);
const brush = paint.getContext('2d');
if (brush === null) throw new Error('This browser has no 2-D canvas.');
const { width: side } = paint;
let painter: MeshPainter | undefined;
/** Where each vertex lies in the texture: known with the first face. */
let uv: Float32Array | undefined;

/** The face's own lines, faintly, to know where to paint. */
const guide = document.createElement('canvas');
[guide.width, guide.height] = [side, side];

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
  paint.style.backgroundImage = `url(${guide.toDataURL()})`;
};

const drawMask = ({ face, context, width, height }: StageFrame): void => {
  if (face.status === 'searching') return;
  const { mesh } = face;
  if (uv === undefined) drawGuide(mesh.uv, mesh.index);
  uv = mesh.uv;
  if (painter?.canvas.width !== width || painter.canvas.height !== height)
    painter = createMeshPainter(width, height);
  painter.draw([{ points: mesh.points, uv, index: mesh.index, texture: paint }]);
  context.save();
  context.globalAlpha = Number(input('opacity').value);
  context.drawImage(painter.canvas, 0, 0);
  context.restore();
};

const clear = (): void => {
  brush.clearRect(0, 0, side, side);
};

const tiger = (): void => {
  clear();
  const skin = brush.createRadialGradient(256, 300, 40, 256, 256, 300);
  skin.addColorStop(0, '#fff3e0');
  skin.addColorStop(0.45, '#fb923c');
  skin.addColorStop(1, '#c2410c');
  brush.fillStyle = skin;
  brush.fillRect(0, 0, side, side);
  brush.strokeStyle = '#1c1917';
  brush.lineCap = 'round';
  for (const mirror of [1, -1]) {
    for (let stripe = 0; stripe < 6; stripe++) {
      brush.lineWidth = 16 - stripe;
      brush.beginPath();
      brush.moveTo(256 + mirror * 250, 150 + 60 * stripe);
      brush.quadraticCurveTo(256 + mirror * 180, 130 + 62 * stripe, 256 + mirror * 130, 175 + 55 * stripe);
      brush.stroke();
    }
    brush.lineWidth = 14;
    brush.beginPath();
    brush.moveTo(256 + mirror * 20, 20);
    brush.lineTo(256 + mirror * 40, 95);
    brush.stroke();
  }
  brush.fillStyle = '#1c1917';
  brush.beginPath();
  brush.ellipse(256, 225, 34, 20, 0, 0, 7);
  brush.fill();
};

const grid = (): void => {
  clear();
  brush.lineWidth = 3;
  for (let line = 0; line <= 16; line++) {
    brush.strokeStyle = line % 4 === 0 ? '#22d3ee' : '#0e7490';
    brush.beginPath();
    brush.moveTo(line * 32, 0);
    brush.lineTo(line * 32, side);
    brush.moveTo(0, line * 32);
    brush.lineTo(side, line * 32);
    brush.stroke();
  }
};

/** A picture of any form and without alpha, too: it fills the texture. */
const showPicture = async (file: File): Promise<void> => {
  const picture = await createImageBitmap(file, { resizeWidth: side, resizeHeight: side });
  clear();
  brush.drawImage(picture, 0, 0);
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
button('tiger').onclick = tiger;
button('grid').onclick = grid;
button('clear').onclick = clear;
tiger();

openStage(drawMask).then(({ onPicture, say }) => {
  onPicture((file) => {
    showPicture(file).catch(() => {
      say(`${file.name} is no picture that this browser can read.`);
    });
  });
}, orSay);
