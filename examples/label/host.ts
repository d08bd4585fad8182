/** Where the frames come from, and what guesses points in them: this browser, or `dve label`. */
import type { Labels, LabelledFrame, Place } from './labels.ts';

/** A video, or a picture. */
export type Clip = {
  /** File name. */ name: string;
  /** How many there are so far; a picture is one frame. */ frames: number;
  /** Whether frames have numbers; those of a picture have not. */ isVideo: boolean;
  /** Pixels. */ width: number;
  height: number;
};

/** A point as the model guesses it: shares of the picture's size, and how sure it is, 0–1. */
export type Guess = { x: number; y: number; confidence: number };

export type LabelHost = {
  /** The clips that are open. */ clips: () => readonly Clip[];
  /** Told whenever clips have become more, or longer. */ onClips: (listener: () => void) => void;
  frame: (place: Place) => Promise<ImageBitmap>;
  /** Takes files that were chosen or dropped; undefined where clips are given from elsewhere. */
  open?: (files: readonly File[]) => Promise<void>;
  /**
   * Where the labelled points are in another frame; undefined of a point that no labelled frame shows.
   * @param from labelled frames, the one most like `to` first
   */
  guess?: (labels: Labels, from: readonly LabelledFrame[], to: Place) => Promise<(Guess | undefined)[]>;
  /** Keeps the file elsewhere than in the browser's downloads. @returns where */
  save?: (text: string) => Promise<string>;
  /** A file of points to begin with. */ start?: () => Promise<string | undefined>;
};
