import {
  drawLandmarks,
  track,
  Tracker,
  type FramedResult,
  type LandmarkSet,
  type Point,
  type TrackingModel,
  type TrackSource,
} from 'dve-sdk';
import { page, showProblem, showStatus } from './page.ts';

/** A frame of the live picture, and where the points were in it; empty while the object is not seen. */
export type Frozen = { bitmap: ImageBitmap; points: Point[] };

export type Live = {
  /** Shows a source and tracks in it until it ends, fails or another one is started. */
  start(source: TrackSource, ending?: () => void): Promise<void>;
  stop(): Promise<void>;
  /** What the live picture shows just now; undefined where it shows nothing. */
  freeze(): Promise<Frozen | undefined>;
  /** Tracks these points from now on; undefined shows the picture without any. */
  setLandmarks(set: LandmarkSet | undefined): Promise<void>;
};

export const createLive = (openModel: () => Promise<TrackingModel>): Live => {
  let tracker: Tracker | undefined;
  let closeTracking: (() => Promise<void>) | undefined;
  let wanted: LandmarkSet | undefined;
  let last: FramedResult | undefined;
  /** The last result's own frame is closed with the next result. */
  let frame: VideoFrame | undefined;
  /** Counts starts: one that was overtaken by another must not go on. */
  let generation = 0;

  const show = (result: FramedResult): void => {
    frame?.close();
    frame = result.frame.clone();
    last = result;
    const context = page.live.getContext('2d');
    if (context === null) return;
    if (page.live.width !== result.width || page.live.height !== result.height) {
      page.live.width = result.width;
      page.live.height = result.height;
    }
    context.drawImage(result.frame, 0, 0, result.width, result.height);
    const radius = Math.max(3, 0.012 * result.width);
    if (wanted !== undefined)
      drawLandmarks(context, result, { connections: wanted.connections, frame: false, radius });
  };

  const clear = (): void => {
    frame?.close();
    frame = undefined;
    last = undefined;
    page.live.getContext('2d')?.clearRect(0, 0, page.live.width, page.live.height);
    page.liveEmpty.hidden = false;
    page.freeze.disabled = page.stop.disabled = true;
    showStatus('idle');
  };

  const stop = async (): Promise<void> => {
    generation++;
    const closing = closeTracking;
    closeTracking = undefined;
    await closing?.();
    clear();
  };

  const follow = async (source: TrackSource, mine: number): Promise<void> => {
    const model = await openModel();
    tracker ??= await Tracker.create({ model });
    if (wanted !== undefined) await tracker.setLandmarks(wanted);
    if (mine !== generation) return;
    await tracker.reset();
    const tracking = track(source, { tracker, withFrame: true });
    closeTracking = () => tracking.close();
    for await (const result of tracking) {
      if (mine !== generation) break;
      page.liveEmpty.hidden = true;
      page.freeze.disabled = page.stop.disabled = false;
      showStatus(result.status);
      show(result);
    }
  };

  return {
    stop,
    start: async (source, ending) => {
      await stop();
      const mine = ++generation;
      showProblem();
      showStatus('starting');
      try {
        await follow(source, mine);
      } catch (error) {
        if (mine !== generation) return;
        await stop();
        showProblem(error);
        showStatus('failed');
      } finally {
        ending?.();
      }
    },
    freeze: async () => {
      if (last === undefined || frame === undefined) return undefined;
      const { status } = last;
      const points = status === 'searching' ? [] : last.landmarks.map(({ x, y }) => ({ x, y }));
      return { bitmap: await createImageBitmap(frame), points: wanted === undefined ? [] : points };
    },
    setLandmarks: async (set) => {
      wanted = set;
      if (set !== undefined) await tracker?.setLandmarks(set);
    },
  };
};
