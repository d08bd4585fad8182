import type { Point } from '../geometry/coordinates.ts';
import type { DrawingContext } from '../draw/draw-landmarks.ts';

/** A canvas context that writes SVG, so that pictures made here and in a browser are drawn by the same code. */
export type SvgCanvas = {
  context: DrawingContext;
  /** Writes a line, white with a dark rim. @param at the left end of its base line @param size pixels */
  text: (text: string, at: Point, size: number) => void;
  /** The drawing as an SVG document. */ toSvg(): string;
};

const escaped = (text: string): string =>
  text.replace(/[&<>]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[sign] ?? '');

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
    text: (text, { x, y }, size) => {
      marks.push(
        `<text x="${number(x)}" y="${number(y)}" font-size="${number(size)}" font-family="sans-serif" font-weight="600" fill="white" stroke="black" stroke-opacity="0.7" stroke-width="${number(size / 5)}" paint-order="stroke" stroke-linejoin="round">${escaped(text)}</text>`,
      );
    },
    toSvg: () =>
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${marks.join('')}</svg>`,
  };
};
