/** A still picture that does what the live face does, and what a hand does. */
import { trackPicture } from 'dve-sdk';
import { createPortrait, type Portrait, type Puppet } from 'dve-sdk/puppet';
import { button, element, input } from '../shared/elements.ts';
import { createMeshPainter, type MeshPainter } from '../shared/mesh-painter.ts';
import { drawSampleFace } from '../shared/sample-face.ts';
import { faceUrl, openStage, orSay, type Stage, type StageFrame } from '../shared/stage.ts';

/** A portrait and what it is drawn with. */
type Shown = { portrait: Portrait; picture: HTMLCanvasElement; painter: MeshPainter };

const canvas = element('portrait', HTMLCanvasElement);
const context = canvas.getContext('2d');
if (context === null) throw new Error('This browser has no 2-D canvas.');
/** Larger pictures are drawn smaller, pixels. */
const largest = 720;
/** How far from a point one may take hold of it, pixels of the page. */
const grasp = 24;
let shown: Shown | undefined;
/** The landmark that is dragged. */
let held: number | undefined;

/** Teeth, tongue and darkness: u from corner to corner, v from above the lips to below. */
const drawMouth = (): OffscreenCanvas => {
  const mouth = new OffscreenCanvas(128, 128);
  const inside = mouth.getContext('2d');
  if (inside === null) throw new Error('This browser has no 2-D canvas.');
  inside.fillStyle = '#2a0a0c';
  inside.fillRect(0, 0, 128, 128);
  inside.fillStyle = '#8f3a3f';
  inside.beginPath();
  inside.ellipse(64, 84, 40, 22, 0, 0, 7);
  inside.fill();
  inside.fillStyle = '#e8e0d5';
  inside.beginPath();
  inside.roundRect(14, 0, 100, 33, 10);
  inside.fill();
  inside.strokeStyle = '#0002';
  for (let x = 24; x < 110; x += 10) inside.strokeRect(x, 0, 10, 33);
  return mouth;
};
const mouth = drawMouth();

const show = (): void => {
  if (shown === undefined) return;
  const { portrait, picture, painter } = shown;
  const { width, height } = picture;
  painter.draw(
    portrait.layers.map(({ texture, ...layer }) => ({
      ...layer,
      texture: texture === 'mouth' ? mouth : picture,
    })),
  );
  context.drawImage(picture, 0, 0);
  context.drawImage(painter.canvas, 0, 0);
  if (!input('dots').checked) return;
  for (const [landmark, { x, y }] of portrait.landmarks.entries()) {
    context.fillStyle = landmark === held ? '#f43f5e' : '#38bdf8';
    context.beginPath();
    context.arc(x, y, Math.max(width, height) / (landmark === held ? 110 : 260), 0, 7);
    context.fill();
  }
};

/** A picture, no larger than is drawn. */
const toCanvas = (picture: ImageBitmap | HTMLCanvasElement): HTMLCanvasElement => {
  const scale = Math.min(1, largest / Math.max(picture.width, picture.height));
  const copy = document.createElement('canvas');
  copy.width = Math.round(picture.width * scale);
  copy.height = Math.round(picture.height * scale);
  copy.getContext('2d')?.drawImage(picture, 0, 0, copy.width, copy.height);
  return copy;
};

const take = async (puppet: Puppet, source: ImageBitmap | HTMLCanvasElement): Promise<void> => {
  const picture = toCanvas(source);
  const still = await trackPicture(picture);
  if (still.status !== 'tracking') throw new Error('No face is seen in this picture. Try another one.');
  const portrait = createPortrait(puppet, still);
  const { width, height } = picture;
  [canvas.width, canvas.height] = [width, height];
  held = undefined;
  shown = { portrait, picture, painter: createMeshPainter(width, height) };
  show();
};

const takeFile = async ({ puppet, say }: Stage, file: File): Promise<void> => {
  say(`Looking for the face in ${file.name} …`);
  try {
    await take(puppet, await createImageBitmap(file));
    say('This is the portrait now.');
  } catch (error) {
    const unread = `${file.name} is no picture that this browser can read.`;
    say(error instanceof Error && !(error instanceof DOMException) ? error.message : unread);
  }
};

const placeOf = (event: PointerEvent): { x: number; y: number; reach: number } => {
  const box = canvas.getBoundingClientRect();
  const scale = canvas.width / box.width;
  return {
    x: (event.clientX - box.left) * scale,
    y: (event.clientY - box.top) * scale,
    reach: grasp * scale,
  };
};

canvas.style.touchAction = 'none';
canvas.onpointerdown = (event) => {
  if (shown === undefined) return;
  const { x, y, reach } = placeOf(event);
  const away = shown.portrait.landmarks.map((place) => Math.hypot(place.x - x, place.y - y));
  const nearest = away.indexOf(Math.min(...away));
  if (away[nearest] > reach) return;
  held = nearest;
  canvas.setPointerCapture(event.pointerId);
  show();
};
canvas.onpointermove = (event) => {
  if (shown === undefined || held === undefined) return;
  const { x, y } = placeOf(event);
  shown.portrait.drag(held, { x, y });
  show();
};
canvas.onpointerup = canvas.onpointercancel = () => {
  held = undefined;
  show();
};
button('release').onclick = () => {
  shown?.portrait.release();
  show();
};
button('rest').onclick = () => {
  shown?.portrait.rest();
};
input('dots').onchange = show;

const follow = ({ face }: StageFrame): void => {
  shown?.portrait.update(face);
  show();
};

openStage(follow)
  .then(async (stage) => {
    stage.onPicture((file) => {
      void takeFile(stage, file);
    });
    stage.say('Making the portrait …');
    // Somebody else than the live sample.
    const identity = [0.6, -1.6, 1.4, 1.2, -1];
    await take(
      stage.puppet,
      await drawSampleFace(faceUrl, {}, { identity, hair: '#7c4a1e', wall: ['#d6c9b4', '#8a7358'] }),
    );
    stage.say('Choose what to look at.');
  })
  .catch(orSay);
