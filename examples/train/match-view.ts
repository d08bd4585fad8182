import type { SampleMatch } from 'dve-sdk/train';

const colorOf = (index: number, count: number): string => `hsl(${Math.round((360 * index) / count)} 95% 58%)`;

/** Canvas pixels per pixel of a crop: points are drawn finer than the picture. */
const zoom = 4;

const toCanvas = (rgb: Uint8Array): HTMLCanvasElement => {
  const side = Math.round(Math.sqrt(rgb.length / 3));
  const image = new ImageData(side, side);
  for (let i = 0; i < side * side; i++) image.data.set([...rgb.subarray(3 * i, 3 * i + 3), 255], 4 * i);
  const small = new OffscreenCanvas(side, side);
  small.getContext('2d')?.putImageData(image, 0, 0);
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = side * zoom;
  const context = canvas.getContext('2d');
  if (context !== null) {
    context.imageSmoothingQuality = 'high';
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
  }
  return canvas;
};

const labels = ['Points of this view', 'found in another view of it', 'found in another picture'];

const row = ({ pictures, points, truth }: SampleMatch): HTMLElement => {
  const element = document.createElement('div');
  element.className = 'match';
  pictures.forEach((picture, panel) => {
    const canvas = toCanvas(picture);
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', labels[panel]);
    const context = canvas.getContext('2d');
    points[panel].forEach(([x, y], i) => {
      if (context === null) return;
      context.strokeStyle = context.fillStyle = colorOf(i, points[panel].length);
      const real = panel === 1 ? truth[i] : undefined;
      if (real !== undefined) {
        context.lineWidth = 2;
        context.beginPath();
        context.moveTo(x * zoom, y * zoom);
        context.lineTo(real[0] * zoom, real[1] * zoom);
        context.stroke();
      }
      context.beginPath();
      context.arc(x * zoom, y * zoom, 6.5, 0, 7);
      context.fill();
      context.lineWidth = 1.5;
      context.strokeStyle = 'rgb(0 0 0 / 60%)';
      context.stroke();
    });
    element.append(canvas);
  });
  return element;
};

/** Puts samples in place of those before. */
export const showMatches = (container: HTMLElement, samples: readonly SampleMatch[]): void => {
  container.replaceChildren(...samples.map(row));
};
