import { InputError } from '../../errors.ts';
import type { SelfSettings } from '../settings/video-settings.ts';

/** Which part of the frames is trained on. */
export type RegionMode =
  | { /** The largest square of each frame. */ kind: 'full' }
  | { /** Boxes of a file; see `readBoxes`. */ kind: 'boxes'; file: string }
  | { /** Where the network itself finds the object. */ kind: 'self' };

/** A stretch of a training in which the regions stay the same. */
export type Round = {
  /** Steps done before it. */ from: number;
  /** Steps done after it. */ to: number;
  /** `none`: no videos yet. */ regions: 'none' | 'whole' | 'boxes' | 'self';
};

export type RoundOptions = {
  /** Undefined where there are no videos. */ mode: RegionMode | undefined;
  /** Whether there are still pictures, too. */ hasPictures: boolean;
  /** Whether the network is trained already. */ isTrained: boolean;
  self: SelfSettings;
  /** Steps of the whole training. */ steps: number;
};

/**
 * When the object is searched for: with an untrained network not before it has seen pictures (or, where there are none,
 * whole frames) for a while, then again with what it has learnt since.
 * @throws InputError where the first search would come after the last step
 */
export const planRounds = ({ mode, hasPictures, isTrained, self, steps }: RoundOptions): Round[] => {
  if (mode === undefined) return [{ from: 0, to: steps, regions: 'none' }];
  if (mode.kind !== 'self') {
    return [{ from: 0, to: steps, regions: mode.kind === 'full' ? 'whole' : 'boxes' }];
  }
  const first = isTrained ? 0 : self.start;
  if (first >= steps) {
    throw new InputError(
      `The object is first searched in the videos after ${first} steps (config.videos.self.start) but the training has ${steps}. Train longer, lower it, or start from a trained network with --init.`,
    );
  }
  const starts = Array.from({ length: self.rounds }, (_, i) => first + i * self.every).filter(
    (start) => start < steps,
  );
  const rounds: Round[] = starts.map((from, i) => ({ from, to: starts.at(i + 1) ?? steps, regions: 'self' }));
  if (first > 0) rounds.unshift({ from: 0, to: first, regions: hasPictures ? 'none' : 'whole' });
  return rounds;
};
