/** The server that `dve label` runs on this machine: it decodes the videos, guesses by its model and keeps the file. */
import { serializePointsFile } from 'dve-sdk/pictures';
import type { Clip, Guess, LabelHost } from './host.ts';
import { toFile } from './labels.ts';

type State = {
  clips: Clip[];
  /** Whether videos are still being read. */ busy: boolean;
  /** What went wrong with them. */ problem?: string;
  canGuess: boolean;
};

const ask = async (path: string, body?: string): Promise<Response> => {
  const response = await fetch(path, body === undefined ? {} : { method: 'POST', body });
  if (response.ok) return response;
  throw new Error((await response.text()) || `dve label answered ${response.status}. Does it still run?`);
};

const isState = (value: unknown): value is State =>
  typeof value === 'object' && value !== null && 'clips' in value && 'canGuess' in value;

const readState = async (): Promise<State> => {
  const value: unknown = await (await ask('state')).json();
  if (!isState(value)) throw new Error('dve label is of another version than this page. Reload the page.');
  return value;
};

/** How often it is asked while videos are being read, ms. */
const interval = 500;

/** @param onProblem told what goes wrong while videos are read */
export const connectHost = async (onProblem: (error: unknown) => void): Promise<LabelHost> => {
  let state = await readState();
  const listeners: (() => void)[] = [];
  const follow = async (): Promise<void> => {
    while (state.busy) {
      await new Promise((resolve) => setTimeout(resolve, interval));
      state = await readState();
      for (const listener of listeners) listener();
    }
    if (state.problem !== undefined) onProblem(new Error(state.problem));
  };
  follow().catch(onProblem);
  return {
    clips: () => state.clips,
    onClips: (listener) => listeners.push(listener),
    frame: async ({ clip, frame = 0 }) => {
      const index = state.clips.findIndex(({ name }) => name === clip);
      return createImageBitmap(await (await ask(`frame/${index}/${frame}`)).blob());
    },
    ...(state.canGuess && {
      guess: async (labels, from, to) => {
        const points = serializePointsFile(toFile({ ...labels, frames: from }));
        const answer: unknown = await (await ask('guess', JSON.stringify({ points, to }))).json();
        // null stands for undefined on the way.
        return (answer as (Guess | null)[]).map((guess) => guess ?? undefined);
      },
    }),
    save: async (text) => (await ask('points', text)).text(),
    start: async () => {
      const text = await (await ask('points')).text();
      return text === '' ? undefined : text;
    },
  };
};
