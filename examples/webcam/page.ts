import { box, button, element, input } from '../shared/elements.ts';

export const page = {
  status: box('status'),
  stageColumn: box('stage-column'),
  stage: box('stage'),
  video: element('video', HTMLVideoElement),
  overlay: element('overlay', HTMLCanvasElement),
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
  camera: button('camera'),
  file: button('file'),
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
};
