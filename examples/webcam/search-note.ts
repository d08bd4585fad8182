/** What to try where nothing is found: said once it has been searched for a while. */
import type { SearchEvidence, TrackResult } from 'dve-sdk';

/** Milliseconds of searching after which there is something to say. */
const patience = 10_000;
/** Milliseconds after which the note is written anew: the search goes on, and its best look may be a better one. */
const renewal = 5000;

const always =
  'Is it in the picture, upright, unmirrored, and a quarter of the picture or larger? Its light and distance should be like those that it was trained on.';
const trainedHere =
  'The model was trained in this browser: a short training knows its object only as it was marked. Mark the same points on more pictures of this very video, or go on training; both are a click on the training page.';

/** What the best look showed, beside what is needed. */
const reasonOf = ({ evidence, needed, agreement }: SearchEvidence): string => {
  const seen = `evidence ${evidence.toFixed(2)}, ${needed.toFixed(2)} is needed (0 is background, 1 the object)`;
  const shape = `${Math.round(100 * agreement)} % of its points lay where one shape has them`;
  return evidence < needed
    ? `The best look had ${seen}; ${shape}.`
    : `Some looks had enough ${seen}, but what they showed did not stay in place from one square to the next; ${shape}.`;
};

export type SearchNote = { add(result: TrackResult): void; clear(): void };

/** @param isTrainedHere whether the model is one of the training page */
export const createSearchNote = (element: HTMLElement, isTrainedHere: boolean): SearchNote => {
  let since: number | undefined;
  let written = -Infinity;
  const clear = (): void => {
    since = undefined;
    written = -Infinity;
    element.hidden = true;
  };
  return {
    clear,
    add: (result) => {
      if (result.status !== 'searching') {
        clear();
        return;
      }
      const now = performance.now();
      since ??= now;
      if (now - since < patience || now - written < renewal) return;
      written = now;
      element.textContent = [
        `Nothing was found for ${Math.floor((now - since) / 1000)} seconds.`,
        ...(result.searched ? [reasonOf(result.searched)] : []),
        ...[always, ...(isTrainedHere ? [trainedHere] : [])],
      ].join(' ');
      element.hidden = false;
    },
  };
};
