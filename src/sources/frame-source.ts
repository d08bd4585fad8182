import type { TimedFrame } from './picture.ts';

/** Where frames come from, one at a time, whenever there is time for one. */
export type FrameSource = {
  /**
   * The newest frame, which the caller has to close; waits for one where there is none.
   * @returns undefined at the end of the stream, and after close
   * @throws SourceError when the stream breaks
   */
  next(): Promise<TimedFrame | undefined>;
  /** Stops the stream and closes the frame that waits. Calls of next that wait get undefined. May be called again. */
  close(): void;
  readonly counts: FrameCounts;
  /** What it reads, where that is a stream: to be shown, for example. */ readonly stream?: MediaStream;
};

export type FrameCounts = {
  /** Frames that came since the first was asked for. */ seen: number;
  /** Frames that were closed unseen because a newer one came. */ dropped: number;
};
