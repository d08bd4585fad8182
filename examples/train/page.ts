import { box, button, chosen, element, input } from '../shared/elements.ts';

const canvas = (id: string): HTMLCanvasElement => element(id, HTMLCanvasElement);

export const page = {
  status: box('status'),
  drop: box('drop'),
  choose: button('choose'),
  files: input('files'),
  notice: box('notice'),
  noticeTitle: box('notice-title'),
  noticeText: box('notice-text'),
  progress: box('progress'),
  stepTitle: box('step-title'),
  step: box('step'),
  steps: box('steps'),
  speed: box('speed'),
  left: box('left'),
  leftUnit: box('left-unit'),
  meter: box('meter'),
  chart: canvas('chart'),
  chartNote: box('chart-note'),
  matches: box('matches'),
  matchRows: box('match-rows'),
  marking: box('marking'),
  markingNote: box('marking-note'),
  marker: canvas('marker'),
  markerPrevious: button('marker-previous'),
  markerNext: button('marker-next'),
  markerTime: input('marker-time'),
  markerTimeLabel: box('marker-time-label'),
  markerNames: input('marker-names'),
  markerUndo: button('marker-undo'),
  markerClear: button('marker-clear'),
  list: box('list'),
  listTitle: box('list-title'),
  fileRows: box('file-rows'),
  listClear: button('list-clear'),
  resume: input('resume'),
  resumeLabel: box('resume-label'),
  resumeText: box('resume-text'),
  start: button('start'),
  stop: button('stop'),
  startNote: box('start-note'),
  keep: box('keep'),
  keepNote: box('keep-note'),
  demo: button('demo'),
  download: button('download'),
  category: input('category'),
  stepsChoice: element('steps-choice', HTMLSelectElement),
  share: input('share'),
  shareLabel: box('share-label'),
  shareValue: box('share-value'),
  deviceNote: box('device-note'),
  facts: box('facts'),
  device: box('device'),
  weights: box('weights'),
  pictureCount: box('picture-count'),
  pairCount: box('pair-count'),
};

export type StatusState = 'idle' | 'preparing' | 'training' | 'stopping' | 'done' | 'failed';

const statuses: Record<StatusState, { words: string; dot: string }> = {
  idle: { words: 'Ready', dot: 'idle' },
  preparing: { words: 'Preparing', dot: 'busy' },
  training: { words: 'Training', dot: 'tracking' },
  stopping: { words: 'Stopping', dot: 'busy' },
  done: { words: 'Trained', dot: 'tracking' },
  failed: { words: 'Failed', dot: 'failed' },
};

export const showStatus = (state: StatusState): void => {
  page.status.dataset.state = statuses[state].dot;
  page.status.textContent = statuses[state].words;
};

/** Which device is chosen. */
export const chosenDevice = (): 'auto' | 'webgpu' | 'wasm' => {
  const value = chosen('device');
  return value === 'webgpu' || value === 'wasm' ? value : 'auto';
};
