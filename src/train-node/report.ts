/** `report.html`: one self-contained page on a training: loss and evaluation curves, sample matches, settings. */
import type { TrainingConfig } from '../train/settings/config.ts';
import type { SampleFlow } from '../train/report/sample-flows.ts';
import type { SampleMatch } from '../train/report/sample-matches.ts';
import { loadSharp } from '../media-node/sharp.ts';
import { adviseTraining, explainLoss, lossState, type TrainedOn } from './report-advice.ts';

export type MetricsLine = Record<string, number>;

/** Lines of `metrics.jsonl`; half a line at its end is left out. */
export const parseMetrics = (text: string): MetricsLine[] =>
  text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as MetricsLine];
    } catch {
      return [];
    }
  });

const escape = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

type Curve = { name: string; points: [number, number][] };

const plotWidth = 640;
const plotHeight = 220;
const margin = 44;

/** At most `count` points, each the mean of as many neighbours. */
const thinned = (points: [number, number][], count: number): [number, number][] => {
  const size = Math.max(1, Math.ceil(points.length / count));
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) => {
    const part = points.slice(i * size, (i + 1) * size);
    return [part[part.length - 1][0], mean(part.map(([, y]) => y))];
  });
};

const plot = (title: string, unit: string, curves: readonly Curve[]): string => {
  const all = curves.flatMap(({ points }) => points);
  if (all.length === 0) return '';
  const lastStep = Math.max(...all.map(([x]) => x), 1);
  const low = Math.min(...all.map(([, y]) => y));
  const high = Math.max(...all.map(([, y]) => y), low + 1e-9);
  const x = (step: number): number => margin + ((plotWidth - margin - 8) * step) / lastStep;
  const y = (value: number): number => plotHeight - 24 - ((plotHeight - 36) * (value - low)) / (high - low);
  const lines = curves.map(({ name, points }, i) => {
    const path = points.map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
    const last = points[points.length - 1];
    return `<polyline class="c${i % 4}" points="${path}"/><text class="t${i % 4}" x="${plotWidth - 8}" y="${(16 + 14 * i).toString()}" text-anchor="end">${escape(name)} ${last[1].toFixed(3)}</text>`;
  });
  const ticks = [low, (low + high) / 2, high].map(
    (value) =>
      `<text x="${margin - 6}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${value.toFixed(2)}</text>`,
  );
  return `<h2>${escape(title)}</h2><p class="unit">${escape(unit)}, over ${lastStep} steps</p>
<svg class="plot" viewBox="0 0 ${plotWidth} ${plotHeight}" role="img" aria-label="${escape(title)}">
<line x1="${margin}" y1="${plotHeight - 24}" x2="${plotWidth - 8}" y2="${plotHeight - 24}"/>${ticks.join('')}
<text x="${margin}" y="${plotHeight - 8}">0</text><text x="${plotWidth - 8}" y="${plotHeight - 8}" text-anchor="end">${lastStep}</text>
${lines.join('\n')}</svg>`;
};

const color = (index: number, count: number): string => `hsl(${Math.round((360 * index) / count)} 90% 55%)`;

const matchRow = async ({ pictures, points, truth }: SampleMatch, size: number): Promise<string> => {
  const uris = await Promise.all(pictures.map((picture) => pngUri(picture, size, size)));
  const panels = uris.map((picture, panel) => {
    const marks = points[panel].map(([x, y], i) => {
      const fill = color(i, points[panel].length);
      const real = panel === 1 ? truth[i] : undefined;
      const line = real
        ? `<line x1="${x.toFixed(1)}" y1="${y.toFixed(1)}" x2="${real[0].toFixed(1)}" y2="${real[1].toFixed(1)}" stroke="${fill}"/>`
        : '';
      return `${line}<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="1.6" fill="${fill}"/>`;
    });
    return `<svg class="crop" viewBox="0 0 ${size} ${size}"><image href="${picture}" width="${size}" height="${size}"/>${marks.join('')}</svg>`;
  });
  return `<div class="row">${panels.join('')}</div>`;
};

const flowRow = async ({ name, width, height, pictures, longest, coverage }: SampleFlow): Promise<string> => {
  const uris = await Promise.all(pictures.map((picture) => pngUri(picture, width, height)));
  const panels = uris.map((uri) => `<img class="crop" src="${uri}" alt="">`);
  return `<div class="row">${panels.join('')}</div><p class="unit">${escape(name)}: at most ${longest.toFixed(1)} px of ${width}, valid on ${(100 * coverage).toFixed(0)} %</p>`;
};

const flowSection = async (flows: readonly SampleFlow[]): Promise<string> => {
  if (flows.length === 0) return '';
  const rows = await Promise.all(flows.map(flowRow));
  return `<h2>Pairs of frames</h2><p class="unit">A frame, a later one, and the flow between them: its direction as the hue, its length as the saturation; black where it fails the forward–backward test.</p>
${rows.join('\n')}`;
};

const settingsTable = (value: object, path = ''): string =>
  Object.entries(value)
    .map(([key, inner]: [string, unknown]) => {
      const name = path === '' ? key : `${path}.${key}`;
      if (typeof inner === 'object' && inner !== null && !Array.isArray(inner))
        return settingsTable(inner, name);
      return `<tr><th>${escape(name)}</th><td>${escape(JSON.stringify(inner))}</td></tr>`;
    })
    .join('\n');

const style = `:root{color-scheme:light dark;--ink:#1a1f2b;--paper:#fff;--line:#c8cdd8}
@media (prefers-color-scheme:dark){:root{--ink:#e8ebf2;--paper:#14171f;--line:#3b4252}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:720px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin:2rem 0 0}.unit{margin:0;opacity:.7}
.plot{width:100%}.plot line{stroke:var(--line)}.plot text{fill:var(--ink);font-size:11px}
polyline{fill:none;stroke-width:1.6}.c0{stroke:#3b82f6}.c1{stroke:#f97316}.c2{stroke:#10b981}.c3{stroke:#a855f7}
.plot .t0{fill:#3b82f6}.plot .t1{fill:#f97316}.plot .t2{fill:#10b981}.plot .t3{fill:#a855f7}
.row{display:grid;grid-template-columns:repeat(3,1fr);gap:6px;margin:6px 0}.crop{width:100%;border-radius:6px}
table{border-collapse:collapse;font-size:13px}th{text-align:left;font-weight:400;padding-right:1.5rem}td{font-family:ui-monospace,monospace}`;

const stepFigures = new Set([
  'step',
  'loss',
  'gradient_norm',
  'learning_rate',
  'pictures_per_second',
  'busy',
]);

/** Names of what evaluations measured, in the order in which they came. */
const evaluatedNames = (metrics: readonly MetricsLine[]): string[] => [
  ...new Set(
    metrics
      .filter((line) => !('loss' in line) && !('round' in line))
      .flatMap((line) => Object.keys(line).filter((key) => !stepFigures.has(key))),
  ),
];

const heldSection = (rows: string): string =>
  rows === ''
    ? ''
    : `<h2>Matches on frames not trained on</h2><p class="unit">The last frames of up to three videos are kept from training. Points of the left frame, found in a later one (a line leads to where the flow has them) and in another recording. Much worse than above: more clips, more steps will not help.</p>
${rows}`;

/** The whole page; it refers to nothing outside of itself. */
export const renderReport = async (
  config: TrainingConfig,
  metrics: readonly MetricsLine[],
  samples: readonly SampleMatch[],
  {
    flows = [],
    held = [],
    data,
  }: {
    flows?: readonly SampleFlow[];
    /** Of frames that were not trained on. */ held?: readonly SampleMatch[] | undefined;
    /** What was trained on. */ data: TrainedOn;
  },
): Promise<string> => {
  const curve = (key: string): [number, number][] =>
    metrics.flatMap((line): [number, number][] => (key in line ? [[line.step, line[key]]] : []));
  const evaluation = evaluatedNames(metrics).map((name): Curve => ({ name, points: curve(name) }));
  const matchRows = async (some: readonly SampleMatch[]): Promise<string> =>
    (await Promise.all(some.map((sample) => matchRow(sample, config.batch.inputSize)))).join('\n');
  const matches = await matchRows(samples);
  const state = lossState(curve('loss'));
  const done = metrics.at(-1)?.step ?? 0;
  const advice = adviseTraining(state, { steps: config.steps, done }, data).map(
    (sentence) => `<li>${escape(sentence)}</li>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Training of ${escape(config.category)}</title><style>${style}</style></head><body>
<h1>Training of “${escape(config.category)}”: ${done} of ${config.steps} steps</h1>
${plot('Loss', `grid cells^${config.loss.exponent}, mean over neighbouring steps`, [{ name: 'loss', points: thinned(curve('loss'), 160) }])}
<p>${escape(explainLoss(config, state))}</p>
${plot('Evaluation', 'as measured on the pictures of --evaluate', evaluation)}
<h2>Sample matches</h2><p class="unit">Points of the left view, found in another view of the same picture (a line leads to where they really are) and in another instance or recording. The views are drawn for this report and were never trained on; the pictures that they are of were.</p>
${matches}
${heldSection(await matchRows(held))}
${await flowSection(flows)}
<h2>What to do next</h2><ol>${advice.join('')}</ol>
<h2>Settings</h2><table>${settingsTable(config)}</table>
</body></html>
`;
};

/** @param rgb (H, W, 3) bytes @returns a PNG as a data URI */
const pngUri = async (rgb: Uint8Array, width: number, height: number): Promise<string> => {
  const sharp = await loadSharp('The report');
  const png = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
};
