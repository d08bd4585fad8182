import type { Point } from '../geometry/coordinates.ts';
import type { DrawingContext } from '../draw/draw-landmarks.ts';

/** A canvas context that writes SVG, so that pictures made here and in a browser are drawn by the same code. */
export type SvgCanvas = { context: DrawingContext; /** The drawing as an SVG document. */ toSvg(): string };

const number = (value: number): string => String(Number(value.toFixed(2)));

/** @param width, height pixels */
export const createSvgCanvas = (width: number, height: number): SvgCanvas => {
  const marks: string[] = [];
  let path = '';
  let dot: (Point & { radius: number }) | undefined;
  const style = (value: DrawingContext['fillStyle']): string => (typeof value === 'string' ? value : 'white');
  const context: DrawingContext = {
    canvas: { width, height },
    fillStyle: 'black',
    strokeStyle: 'black',
    lineWidth: 1,
    lineJoin: 'round',
    globalAlpha: 1,
    save: () => undefined,
    restore: () => undefined,
    beginPath: () => {
      path = '';
      dot = undefined;
    },
    closePath: () => {
      path += 'Z';
    },
    moveTo: (x, y) => {
      path += `M${number(x)} ${number(y)}`;
    },
    lineTo: (x, y) => {
      path += `L${number(x)} ${number(y)}`;
    },
    arc: (x, y, radius) => {
      dot = { x, y, radius };
    },
    fill: () => {
      if (dot === undefined) return;
      marks.push(
        `<circle cx="${number(dot.x)}" cy="${number(dot.y)}" r="${number(dot.radius)}" fill="${style(context.fillStyle)}" fill-opacity="${context.globalAlpha}"/>`,
      );
    },
    stroke: () => {
      marks.push(
        `<path d="${path}" fill="none" stroke="${style(context.strokeStyle)}" stroke-opacity="${context.globalAlpha}" stroke-width="${number(context.lineWidth)}" stroke-linejoin="round"/>`,
      );
    },
  };
  return {
    context,
    toSvg: () =>
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${marks.join('')}</svg>`,
  };
};
