/** Two faces: point at a place of one and see its match in the other; a slider makes one of the other. */
import { openModel, type TrackingModel } from 'dve-sdk';
import {
  followField,
  splineMap,
  type Correspondence,
  type MatchedPoint,
  type PictureMap,
} from 'dve-sdk/pictures';
import { onDrop } from '../shared/drops.ts';
import { box, button, element, input } from '../shared/elements.ts';
import { createMeshPainter, type MeshPainter } from '../shared/mesh-painter.ts';
import { drawSampleFace } from '../shared/sample-face.ts';
import { cut, toPicture, toSquare, type Place } from '../shared/squares.ts';
import { faceUrl, orSay } from '../shared/stage.ts';
import { openVideo } from '../shared/video.ts';

type Picture = HTMLCanvasElement | HTMLVideoElement | ImageBitmap;
type Pair = { field: Correspondence; map: PictureMap; left: Float32Array; right: Float32Array };

const names = ['left', 'right', 'morph'] as const;
const views = names.map((name) => {
  const context = element(name, HTMLCanvasElement).getContext('2d');
  if (context === null) throw new Error('This browser has no 2-D canvas.');
  return context;
});
const { width: side } = views[0].canvas;
/** The faces' squares, cut out and upright. */
const crops = [new OffscreenCanvas(side, side), new OffscreenCanvas(side, side)];
const say = (text: string): void => {
  box('status').textContent = text;
};
/** Cells of the mesh that is morphed, along each side. */
const cells = 24;
let pair: Pair | undefined;
/** What is pointed at, shares of the square: at first the nose. */
let pointed: Place = { x: 0.5, y: 0.55 };
/** Counts what was chosen to be looked at: a loop ends when it is no longer the newest. */
let chosen = 0;
let close: () => void = () => undefined;

/** How alike every cell of the right square is to the one that is pointed at. */
const drawHeat = ({ field: { columns, rows }, left, right }: Pair): void => {
  const count = columns * rows;
  const column = Math.min(columns - 1, Math.floor(pointed.x * columns));
  const cell = Math.min(rows - 1, Math.floor(pointed.y * rows)) * columns + column;
  const heat = new ImageData(columns, rows);
  for (let at = 0; at < count; at++) {
    let cosine = 0;
    for (let plane = 0; plane < left.length; plane += count) cosine += left[plane + cell] * right[plane + at];
    const warmth = Math.max(0, (cosine - 0.4) / 0.6);
    heat.data.set([255, 220 * (1 - warmth), 40, 230 * warmth ** 1.5], 4 * at);
  }
  const small = new OffscreenCanvas(columns, rows);
  small.getContext('2d')?.putImageData(heat, 0, 0);
  views[1].drawImage(small, 0, 0, side, side);
};

const mark = (context: CanvasRenderingContext2D, { x, y }: Place, isSure: boolean): void => {
  context.beginPath();
  context.arc(x * side, y * side, 9, 0, 7);
  context.lineWidth = 4;
  context.strokeStyle = isSure ? '#22d3ee' : '#9ca3af';
  context.stroke();
};

let painter: MeshPainter | undefined;
const morphIndex = Uint16Array.from({ length: 6 * cells * cells }, (_, i) => {
  const at = Math.floor(i / 6);
  const corner = Math.floor(at / cells) * (cells + 1) + (at % cells);
  return corner + [0, cells + 1, 1, 1, cells + 1, cells + 2][i % 6];
});

const drawMorph = ({ field, map }: Pair): void => {
  const share = Number(input('share').value);
  const count = 2 * (cells + 1) ** 2;
  const [points, from, to] = [new Float32Array(count), new Float32Array(count), new Float32Array(count)];
  for (let i = 0; i < count; i += 2) {
    const place = { x: ((i / 2) % (cells + 1)) / cells, y: Math.floor(i / 2 / (cells + 1)) / cells };
    const match = toSquare(field.to, map(toPicture(field.from, place)) ?? place);
    from.set([place.x, place.y], i);
    to.set([match.x, match.y], i);
    points.set(
      [side * (place.x + share * (match.x - place.x)), side * (place.y + share * (match.y - place.y))],
      i,
    );
  }
  views[2].fillRect(0, 0, side, side);
  painter ??= createMeshPainter(side, side);
  for (const [n, uv] of [from, to].entries()) {
    painter.draw([{ points, uv, index: morphIndex, texture: crops[n], culled: false }]);
    views[2].globalAlpha = n === 0 ? 1 : share;
    views[2].drawImage(painter.canvas, 0, 0);
  }
  views[2].globalAlpha = 1;
};

const show = (): MatchedPoint | undefined => {
  if (pair === undefined) return undefined;
  views[0].drawImage(crops[0], 0, 0);
  views[1].drawImage(crops[1], 0, 0);
  drawHeat(pair);
  const match = followField(pair.field, toPicture(pair.field.from, pointed));
  mark(views[0], pointed, true);
  if (match) mark(views[1], toSquare(pair.field.to, match), match.mutual);
  drawMorph(pair);
  return match;
};

const compare = async (model: TrackingModel, a: Picture, b: Picture): Promise<void> => {
  // What a video shows by then may be another frame.
  const [first, second] = await Promise.all([createImageBitmap(a), createImageBitmap(b)]);
  const { field } = await model.correspond({ picture: first }, { picture: second });
  const embeddings = await Promise.all([
    model.embed(first, { roi: field.from }),
    model.embed(second, { roi: field.to }),
  ]);
  pair = { field, map: splineMap(field), left: embeddings[0], right: embeddings[1] };
  cut(crops[0], first, field.from);
  cut(crops[1], second, field.to);
  show();
};

const play = async (source: File | MediaStream): Promise<HTMLVideoElement> => {
  const opened = await openVideo(source);
  ({ close } = opened);
  return opened.video;
};

const start = async (): Promise<void> => {
  say('Loading the model …');
  const model = await openModel();
  const sampleLeft = await drawSampleFace(faceUrl);
  const smile = { mouthSmileLeft: 0.8, mouthSmileRight: 0.8, jawOpen: 0.25, browInnerUp: 0.6 };
  const sampleRight = await drawSampleFace(
    faceUrl,
    { yaw: 0.35, pitch: -0.08, roll: 0.12, expressions: smile },
    {
      identity: [0.5, 1.8, -1.2, -1.4, 1.2],
      hair: '#9a5b2a',
      skin: 'brightness(1.35) saturate(.8)',
      wall: ['#52606d', '#1f2933'],
    },
  );
  let left: Picture = sampleLeft;
  const look = (open: () => Promise<Picture>): void => {
    const mine = ++chosen;
    close();
    close = () => undefined;
    void (async () => {
      try {
        const right = await open();
        say('Comparing …');
        do {
          await compare(model, left, right);
          if (mine === chosen) say('Compared');
        } while (mine === chosen && right instanceof HTMLVideoElement);
      } catch (error) {
        if (mine === chosen) orSay(error);
      }
    })();
  };
  const take = (files: FileList | null): void => {
    const first = files?.item(0);
    const second = files?.item(1);
    if (!first) return;
    const isVideo = first.type.startsWith('video/');
    look(async () => {
      if (isVideo) return play(first);
      const pictures = await Promise.all([first, second ?? first].map((file) => createImageBitmap(file)));
      if (second) [left] = pictures;
      return pictures[1];
    });
  };
  const samples = (): void => {
    left = sampleLeft;
    look(() => Promise.resolve(sampleRight));
  };
  button('sample').onclick = samples;
  button('camera').onclick = () => {
    look(async () => play(await navigator.mediaDevices.getUserMedia({ video: true })));
  };
  const pictures = input('pictures');
  pictures.onchange = () => {
    take(pictures.files);
  };
  onDrop(document.body, take);
  samples();
};

views[0].canvas.onpointermove = views[0].canvas.onpointerdown = ({ offsetX, offsetY }) => {
  const { clientWidth, clientHeight } = views[0].canvas;
  pointed = { x: offsetX / clientWidth, y: offsetY / clientHeight };
  const match = show();
  if (match)
    say(`Match with a confidence of ${match.confidence.toFixed(2)}${match.mutual ? '' : ': unsure'}`);
};
input('share').oninput = show;
start().catch(orSay);
