import { dispatch, type CommandTable } from './dispatch.ts';

/** Every protocol: a module that exports `summary` and `run(argv)`. */
const protocols: CommandTable = {
  match: () => import('./eval-match.ts'),
  landmarks: () => import('./eval-landmarks.ts'),
  regression: () => import('./eval-regression.ts'),
  flow: () => import('./eval-flow.ts'),
  tracks: () => import('./eval-tracks.ts'),
  calibration: () => import('./eval-calibration.ts'),
  points: () => import('./eval-points.ts'),
  discovery: () => import('./eval-discovery.ts'),
  clicks: () => import('./eval-clicks.ts'),
  correspond: () => import('./eval-correspond.ts'),
  drift: () => import('./eval-drift.ts'),
};

export const summary = 'Measure a model, as the paper does it.';

export const run = (argv: string[]): Promise<void> => dispatch('dve eval', protocols, argv);
