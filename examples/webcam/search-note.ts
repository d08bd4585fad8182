/** What to try where nothing is found: said once it has been searched for a while. */
import type { TrackResult } from 'dve-sdk';

/** Milliseconds of searching after which there is something to say. */
const patience = 10_000;

const always =
  'Is it in the picture, upright, unmirrored, and a quarter of the picture or larger? Its light and distance should be like those that it was trained on.';
const trainedHere =
  'The model was trained in this browser: a short training knows its object only as it was marked. Mark the same points on more pictures of this very video, or go on training; both are a click on the training page.';

export type SearchNote = { add(result: TrackResult): void; clear(): void };

/** @param isTrainedHere whether the model is one of the training page */
export const createSearchNote = (element: HTMLElement, isTrainedHere: boolean): SearchNote => {
  let since: number | undefined;
  const clear = (): void => {
    since = undefined;
    element.hidden = true;
  };
  return {
    clear,
    add: ({ status }) => {
      if (status !== 'searching') {
        clear();
        return;
      }
      const now = performance.now();
      since ??= now;
      if (now - since < patience || !element.hidden) return;
      element.textContent = `Nothing was found for ${patience / 1000} seconds. ${always}${isTrainedHere ? ` ${trainedHere}` : ''}`;
      element.hidden = false;
    },
  };
};
