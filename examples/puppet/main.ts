/** A drawn fox that does what the face does. */
import type { Expressions } from 'dve-sdk/puppet';
import { button } from '../shared/elements.ts';
import { openStage, orSay, type StageFrame } from '../shared/stage.ts';

type Context = CanvasRenderingContext2D;

const ellipse = (context: Context, x: number, y: number, rx: number, ry: number, colour: string): void => {
  context.fillStyle = colour;
  context.beginPath();
  context.ellipse(x, y, Math.max(0, rx), Math.max(0, ry), 0, 0, 7);
  context.fill();
};

const shape = (context: Context, colour: string, points: readonly (readonly [number, number])[]): void => {
  context.fillStyle = colour;
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  context.closePath();
  context.fill();
};

/** Ears and head; they shift against each other as it turns. */
const drawHead = (context: Context, turn: number, nod: number): void => {
  for (const side of [-1, 1]) {
    const x = side * 78 - 14 * turn;
    const tip: [number, number] = [x + side * 34 - 10 * turn, -178 - 12 * nod];
    shape(context, '#c2410c', [[x - 46, -92], tip, [x + 46, -80]]);
    shape(context, '#431407', [
      [x - 22, -100],
      [tip[0], tip[1] + 30],
      [x + 24, -94],
    ]);
  }
  ellipse(context, 0, 0, 140, 126, '#ea580c');
  for (const side of [-1, 1]) ellipse(context, side * 62 + 22 * turn, 48 + 12 * nod, 66, 56, '#fff7ed');
};

const drawEye = (context: Context, x: number, y: number, blink: number, wide: number): void => {
  const open = Math.max(0.04, 1 - blink);
  ellipse(context, x, y, 26, 30 * open * (1 + 0.25 * wide), '#fffbeb');
  if (open > 0.15) {
    context.save();
    context.beginPath();
    context.ellipse(x, y, 26, 30 * open, 0, 0, 7);
    context.clip();
    ellipse(context, x, y, 15, 18, '#422006');
    ellipse(context, x + 5, y - 6, 5, 5, '#fff');
    context.restore();
  }
  context.strokeStyle = '#431407';
  context.lineWidth = 5;
  context.beginPath();
  context.ellipse(x, y, 26, 30 * open, 0, Math.PI, 2 * Math.PI);
  context.stroke();
};

const drawBrow = (context: Context, x: number, y: number, side: number, up: number, down: number): void => {
  const lift = 22 * up - 16 * down;
  context.strokeStyle = '#431407';
  context.lineWidth = 9;
  context.lineCap = 'round';
  context.beginPath();
  context.moveTo(x - side * 26, y - lift + 10 * down);
  context.quadraticCurveTo(x, y - 12 - lift, x + side * 28, y - lift);
  context.stroke();
};

const drawMouth = (context: Context, x: number, y: number, face: Expressions): void => {
  const smile = face.mouthSmileLeft + face.mouthSmileRight - face.mouthFrownLeft - face.mouthFrownRight;
  const width = 44 + 14 * smile - 22 * Math.max(face.mouthPucker, face.mouthFunnel);
  const open = 70 * face.jawOpen;
  context.fillStyle = '#7f1d1d';
  context.strokeStyle = '#431407';
  context.lineWidth = 5;
  context.beginPath();
  context.moveTo(x - width, y - 10 * smile);
  context.quadraticCurveTo(x, y + 12, x + width, y - 10 * smile);
  context.quadraticCurveTo(x, y + 14 + 2 * open, x - width, y - 10 * smile);
  context.fill();
  context.stroke();
  if (open > 14) ellipse(context, x, y + open * 0.75, width * 0.5, open * 0.28, '#fb7185');
};

const drawFox = ({ face, context, width, height, frame }: StageFrame): void => {
  const sky = context.createLinearGradient(0, 0, 0, height);
  sky.addColorStop(0, '#bae6fd');
  sky.addColorStop(1, '#dcfce7');
  context.fillStyle = sky;
  context.fillRect(0, 0, width, height);
  if (face.status !== 'searching') {
    const { pose, expressions } = face;
    const { yaw, pitch, roll } = pose.angles;
    const [turn, nod] = [Math.sin((yaw * Math.PI) / 180), Math.sin((pitch * Math.PI) / 180)];
    const scale = height / 480;
    context.save();
    const away = -pose.position.z;
    context.translate(
      width / 2 + (pose.position.x / away) * width * 0.6,
      height * 0.54 - (pose.position.y / away) * height * 0.6,
    );
    context.scale(scale, scale);
    context.rotate((roll * Math.PI) / 180);
    drawHead(context, turn, nod);
    // What lies further to the front moves more.
    const [x, y] = [58 * turn, 40 * nod];
    drawEye(context, x - 52, y - 22, expressions.eyeBlinkRight, expressions.eyeWideRight);
    drawEye(context, x + 52, y - 22, expressions.eyeBlinkLeft, expressions.eyeWideLeft);
    const { browInnerUp, browOuterUpLeft, browOuterUpRight, browDownLeft, browDownRight } = expressions;
    drawBrow(context, x - 52, y - 66, -1, (browInnerUp + browOuterUpRight) / 2, browDownRight);
    drawBrow(context, x + 52, y - 66, 1, (browInnerUp + browOuterUpLeft) / 2, browDownLeft);
    drawMouth(context, 1.2 * x, 1.3 * y + 66, expressions);
    ellipse(context, 1.6 * x, 1.7 * y + 34, 20, 14, '#1c1917');
    context.restore();
  }
  // Who moves it, in the corner.
  context.drawImage(frame, 12, height - height / 4 - 12, width / 4, height / 4);
};

openStage(drawFox).then(({ puppet, say }) => {
  button('rest').onclick = () => {
    try {
      puppet.calibrate();
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
    }
  };
}, orSay);
