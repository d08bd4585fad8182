import { box, button, element, input } from '../shared/elements.ts';

export const page = {
  status: box('status'),
  searchNote: box('search-note'),
  stageColumn: box('stage-column'),
  stage: box('stage'),
  video: element('video', HTMLVideoElement),
  picture: element('picture', HTMLCanvasElement),
  overlay: element('overlay', HTMLCanvasElement),
  seek: input('seek'),
  saveJson: button('save-json'),
  saveCsv: button('save-csv'),
  welcome: box('welcome'),
  welcomeTitle: box('welcome-title'),
  notice: box('notice'),
  noticeTitle: box('notice-title'),
  noticeText: box('notice-text'),
  noticeRetry: button('notice-retry'),
  noticeFile: button('notice-file'),
  busy: box('busy'),
  busyText: box('busy-text'),
  startCamera: button('start-camera'),
  startFile: button('start-file'),
  startSample: button('start-sample'),
  camera: button('camera'),
  file: button('file'),
  sample: button('sample'),
  cameraChoice: box('camera-choice'),
  cameras: element('cameras', HTMLSelectElement),
  fileInput: input('file-input'),
  pause: button('pause'),
  snapshot: button('snapshot'),
  stop: button('stop'),
  fps: box('fps'),
  latency: box('latency'),
  confidence: box('confidence'),
  stages: box('stages'),
  device: box('device'),
  first: box('first'),
  size: box('size'),
  dropped: box('dropped'),
  cutoff: input('cutoff'),
  cutoffValue: box('cutoff-value'),
  beta: input('beta'),
  betaValue: box('beta-value'),
  smoothingReset: button('smoothing-reset'),
  showPoints: input('show-points'),
  showLines: input('show-lines'),
  showRaw: input('show-raw'),
  showHidden: input('show-hidden'),
  showRoi: input('show-roi'),
  mirror: input('mirror'),
  deviceNote: box('device-note'),
  deviceAuto: input('device-auto'),
};

export type StatusState = 'idle' | 'starting' | 'searching' | 'tracking' | 'doubtful' | 'paused' | 'failed';

const statusWords: Record<StatusState, string> = {
  idle: 'Ready',
  starting: 'Starting',
  searching: 'Searching',
  tracking: 'Tracking',
  doubtful: 'Tracking',
  paused: 'Paused',
  failed: 'Stopped',
};

export const showStatus = (state: StatusState): void => {
  page.status.dataset.state = state;
  page.status.textContent = statusWords[state];
};

export const onChoice = (name: string, listener: () => void): void => {
  for (const choice of document.querySelectorAll(`input[name="${name}"]`)) {
    choice.addEventListener('change', listener);
  }
};

/** What lies over the stage; at most one of them. */
export const showOver = (layer: 'welcome' | 'notice' | 'busy' | 'nothing'): void => {
  page.welcome.hidden = layer !== 'welcome';
  page.notice.hidden = layer !== 'notice';
  page.busy.hidden = layer !== 'busy';
  keepFocus();
};

/** Who works with the keyboard goes on where they were: a button that is hidden or switched off would lose the focus. */
export const keepFocus = (): void => {
  const { activeElement: focused } = document;
  const isLost =
    focused instanceof HTMLElement &&
    (focused.closest('[hidden]') !== null ||
      (focused instanceof HTMLButtonElement && focused.disabled) ||
      // Where it waits until there is something to press.
      focused === page.stage);
  if (!isLost) return;
  if (!page.welcome.hidden) page.startCamera.focus();
  else if (!page.notice.hidden) page.noticeRetry.focus();
  else page.stage.focus();
};
