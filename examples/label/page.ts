/** The labelling page's elements, and what it says. */
import { box, button, element, input } from '../shared/elements.ts';

/** The page's elements. */
export const page = {
  status: box('status'),
  work: box('work'),
  notice: box('notice'),
  noticeText: box('notice-text'),
  noticeClose: button('notice-close'),
  frameTitle: box('frame-title'),
  clip: element('clip', HTMLSelectElement),
  picture: element('picture', HTMLCanvasElement),
  points: box('points'),
  empty: box('empty'),
  emptyText: box('empty-text'),
  open: button('open'),
  previous: button('previous'),
  next: button('next'),
  seek: input('seek'),
  hint: box('hint'),
  guess: button('guess'),
  suggest: button('suggest'),
  undo: button('undo'),
  redo: button('redo'),
  clear: button('clear'),
  files: input('files'),
  listTitle: box('list-title'),
  list: element('list', HTMLUListElement),
  add: button('add'),
  framesTitle: box('frames-title'),
  frames: element('frames', HTMLUListElement),
  export: button('export'),
  import: button('import'),
  more: button('more'),
  saved: box('saved'),
};

export const showStatus = (
  state: 'idle' | 'working',
  text = state === 'idle' ? 'Ready' : 'Working',
): void => {
  page.status.dataset.state = state;
  page.status.textContent = text;
};

/** What went wrong, in words; undefined takes the last one away. */
export const showProblem = (error?: unknown): void => {
  page.notice.hidden = error === undefined;
  page.noticeText.textContent = error instanceof Error ? error.message : String(error);
};
