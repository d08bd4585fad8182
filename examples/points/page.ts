import { box, button, element, input } from '../shared/elements.ts';

export const page = {
  status: box('status'),
  work: box('work'),
  notice: box('notice'),
  noticeText: box('notice-text'),
  noticeClose: button('notice-close'),
  live: element('live-canvas', HTMLCanvasElement),
  liveEmpty: box('live-empty'),
  camera: button('camera'),
  video: button('video'),
  freeze: button('freeze'),
  stop: button('stop'),
  surface: box('surface'),
  picture: element('picture', HTMLCanvasElement),
  points: box('points'),
  pictureEmpty: box('picture-empty'),
  open: button('open'),
  thumbs: box('thumbs'),
  add: button('add'),
  undo: button('undo'),
  redo: button('redo'),
  deletePicture: button('delete-picture'),
  files: input('files'),
  listTitle: box('list-title'),
  list: element('list', HTMLUListElement),
  export: button('export'),
  import: button('import'),
};

export type StatusState = 'idle' | 'starting' | 'searching' | 'tracking' | 'doubtful' | 'working' | 'failed';

const statusWords: Record<StatusState, string> = {
  idle: 'Ready',
  starting: 'Starting',
  searching: 'Searching',
  tracking: 'Tracking',
  doubtful: 'Tracking',
  working: 'Working',
  failed: 'Stopped',
};

export const showStatus = (state: StatusState): void => {
  if (page.status.dataset.state === state) return;
  page.status.dataset.state = state;
  page.status.textContent = statusWords[state];
};

/** What went wrong, in words; undefined takes the last one away. */
export const showProblem = (error?: unknown): void => {
  page.notice.hidden = error === undefined;
  page.noticeText.textContent = error instanceof Error ? error.message : String(error);
};
