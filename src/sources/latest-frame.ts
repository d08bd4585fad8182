import type { FrameCounts } from './frame-source.ts';

type End = { error: Error | undefined };

/**
 * One place for one frame between a stream that does not wait and a reader that takes its time: a newer frame replaces
 * the waiting one, which is closed and counted, so that no queue can grow.
 */
export class LatestFrame<Timed extends { frame: { close(): void } }> {
  readonly counts: FrameCounts = { seen: 0, dropped: 0 };
  #waiting: Timed | undefined;
  #wake: (() => void) | undefined;
  #end: End | undefined;
  #isRead = false;

  /** Takes over a frame. After the end it is closed at once. */
  push(timed: Timed): void {
    if (this.#end !== undefined) {
      timed.frame.close();
      return;
    }
    this.#drop();
    this.counts.seen += 1;
    this.#waiting = timed;
    this.#wake?.();
  }

  /** The stream is over: the frame that waits can still be taken, then there is nothing more. */
  end(): void {
    this.#finish(undefined);
  }

  /** The stream broke. @param error what `next` throws once the frame that waits is taken */
  fail(error: Error): void {
    this.#finish(error);
  }

  /** Ends, and closes the frame that waits. */
  close(): void {
    this.#drop();
    this.#finish(undefined);
  }

  /** @returns the newest frame, once there is one; undefined at the end */
  async next(): Promise<Timed | undefined> {
    this.#isRead = true;
    while (this.#waiting === undefined && this.#end === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const timed = this.#waiting;
    this.#waiting = undefined;
    if (timed === undefined && this.#end?.error !== undefined) throw this.#end.error;
    return timed;
  }

  #drop(): void {
    if (this.#waiting === undefined) return;
    this.#waiting.frame.close();
    this.#waiting = undefined;
    // Nobody missed what came before anybody was there, while the model was loading.
    if (this.#isRead) this.counts.dropped += 1;
    else this.counts.seen -= 1;
  }

  #finish(error: Error | undefined): void {
    this.#end ??= { error };
    this.#wake?.();
  }
}
