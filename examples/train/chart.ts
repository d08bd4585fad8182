/** The loss curve. */
export type Chart = { add(losses: readonly number[]): void; clear(steps: number): void; draw(): void };

const margin = { left: 42, right: 10, top: 10, bottom: 24 };

/** Mean of each step and its neighbours: single steps differ more than what is learnt. */
const smoothed = (losses: readonly number[]): number[] => {
  const reach = Math.ceil(losses.length / 60);
  const sums = [0];
  losses.forEach((loss, i) => sums.push(sums[i] + loss));
  return losses.map((_, i) => {
    // As many before as after, so that the curve does not lag behind.
    const side = Math.min(reach, i, losses.length - 1 - i);
    return (sums[i + side + 1] - sums[i - side]) / (2 * side + 1);
  });
};

/** A step between lines of the scale that is easy to read: 1, 2 or 5 times a power of ten. */
const niceStep = (span: number, lines: number): number => {
  const rough = span / lines;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= rough) ?? 10;
  return factor * power;
};

export const createChart = (canvas: HTMLCanvasElement): Chart => {
  let losses: number[] = [];
  let steps = 1;

  const draw = (): void => {
    const context = canvas.getContext('2d');
    const { clientWidth: width, clientHeight: height } = canvas;
    if (context === null || width === 0) return;
    const scale = devicePixelRatio;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    const style = getComputedStyle(canvas);
    // The style sheet's colours, made into plain ones by properties that have no other effect on a canvas.
    const { color: soft, outlineColor: line, caretColor: accent } = style;
    context.font = `12px ${style.fontFamily}`;
    const shown = smoothed(losses);
    // The first steps are far above the rest, single ones now and then: the scale is for what comes between.
    const sorted = [...losses].sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
    const low = Math.min(at(0.01), ...shown.slice(-1));
    const high = Math.max(at(0.99), low + 0.1);
    const pad = 0.06 * (high - low);
    const [bottom, top] = [low - pad, high + pad];
    const x = (step: number): number => margin.left + ((width - margin.left - margin.right) * step) / steps;
    const y = (loss: number): number =>
      height - margin.bottom - ((height - margin.top - margin.bottom) * (loss - bottom)) / (top - bottom);
    context.lineWidth = 1;
    context.strokeStyle = line;
    context.fillStyle = soft;
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    const step = niceStep(top - bottom, 4);
    for (let value = Math.ceil(bottom / step) * step; value <= top && losses.length > 0; value += step) {
      context.beginPath();
      context.moveTo(margin.left, y(value));
      context.lineTo(width - margin.right, y(value));
      context.stroke();
      context.fillText(value.toFixed(step < 0.1 ? 2 : 1), margin.left - 8, y(value));
    }
    context.textBaseline = 'alphabetic';
    context.textAlign = 'left';
    context.fillText('0', margin.left, height - 6);
    context.textAlign = 'right';
    context.fillText(`${steps.toLocaleString('en')} steps`, width - margin.right, height - 6);
    const curve = (values: readonly number[]): void => {
      context.beginPath();
      values.forEach((value, i) => {
        context.lineTo(x(i + 1), y(Math.min(top, Math.max(bottom, value))));
      });
      context.stroke();
    };
    context.lineJoin = 'round';
    context.strokeStyle = accent;
    context.globalAlpha = 0.25;
    curve(losses);
    context.globalAlpha = 1;
    context.lineWidth = 2;
    curve(shown);
  };

  new ResizeObserver(draw).observe(canvas);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  return {
    draw,
    add: (more) => {
      losses.push(...more);
      draw();
    },
    clear: (count) => {
      losses = [];
      steps = count;
      draw();
    },
  };
};
