// Types of what users import. Nothing here runs: `npm run typecheck` holds it.
import {
  track,
  Tracker,
  type FramedResult,
  type Landmark,
  type LandmarkSet,
  type Tracking,
  type TrackOptions,
  type TrackResult,
} from 'dve-sdk';
import { createFaceFinder, type FaceFinder } from 'dve-sdk/mediapipe';
import { createTraining, type TrainedFiles, type Training, type TrainingProgress } from 'dve-sdk/train';
import { expectTypeOf } from 'vitest';

// What goes in.
expectTypeOf(track).parameter(0).toExtend<string | object>();
expectTypeOf<'camera'>().toExtend<Parameters<typeof track>[0]>();
expectTypeOf<HTMLVideoElement>().toExtend<Parameters<typeof track>[0]>();
expectTypeOf<AsyncIterable<VideoFrame>>().toExtend<Parameters<typeof track>[0]>();
expectTypeOf<{ smoothness: number }>().not.toExtend<TrackOptions>();
expectTypeOf<{ device: 'gpu' }>().not.toExtend<TrackOptions>();
expectTypeOf<TrackOptions['landmarks']>().toEqualTypeOf<LandmarkSet | string | URL | undefined>();
expectTypeOf<FaceFinder>().toExtend<NonNullable<TrackOptions['finder']>>();
expectTypeOf<Tracker>().toExtend<NonNullable<TrackOptions['tracker']>>();

// What comes out.
expectTypeOf<ReturnType<typeof track>>().toEqualTypeOf<Tracking>();
export const framed = (): Tracking<FramedResult> => track('camera', { withFrame: true });
expectTypeOf<Extract<FramedResult, { status: 'searching' }>['frame']>().toEqualTypeOf<VideoFrame>();
expectTypeOf<Tracking>().toExtend<AsyncIterable<TrackResult>>();
expectTypeOf<Tracking>().toExtend<AsyncDisposable>();
expectTypeOf<TrackResult['timestamp']>().toEqualTypeOf<number>();
expectTypeOf<Extract<TrackResult, { status: 'tracking' }>['landmarks']>().toExtend<readonly Landmark[]>();
expectTypeOf<Pick<Landmark, 'name' | 'x' | 'y' | 'confidence'>>().toEqualTypeOf<{
  name: string;
  x: number;
  y: number;
  confidence: number;
}>();
// @ts-expect-error a frame that is searched has no landmarks
export type NoLandmarks = Extract<TrackResult, { status: 'searching' }>['landmarks'];

// Trackers of one's own, and finders.
expectTypeOf<(typeof Tracker)['create']>().returns.resolves.toEqualTypeOf<Tracker>();
expectTypeOf<Tracker['step']>().returns.resolves.toEqualTypeOf<TrackResult>();
expectTypeOf(createFaceFinder).returns.resolves.toEqualTypeOf<FaceFinder>();
expectTypeOf<FaceFinder>().toExtend<Disposable>();

// Training.
expectTypeOf(createTraining).returns.toEqualTypeOf<Training>();
expectTypeOf<Training>().toExtend<AsyncIterable<TrainingProgress> & Disposable>();
expectTypeOf<Training['result']>().returns.resolves.toEqualTypeOf<TrainedFiles>();
expectTypeOf<TrainingProgress['phase']>().toEqualTypeOf<'preparing' | 'training'>();
expectTypeOf<TrainedFiles>().toExtend<NonNullable<TrackOptions['model']>>();
