/** What a training's loss says, and what to do next: the words of `report.html`. */
import { manifestFields } from '../train/model-files.ts';
import type { TrainingConfig } from '../train/settings/config.ts';

/** A loss as it was measured: (step, loss). */
type LossCurve = readonly (readonly [number, number])[];

/** What was trained on. */
export type TrainedOn = { /** Still pictures. */ pictures: number; /** Videos. */ videos: number };

/** The loss now, what it was at the beginning, and a tenth of the training ago. */
export type LossState = { start: number; before: number; now: number };

const meanOf = (part: LossCurve): number => part.reduce((sum, [, loss]) => sum + loss, 0) / part.length;

/** @returns undefined for fewer steps than a trend can be seen in */
export const lossState = (curve: LossCurve): LossState | undefined => {
  const tenth = Math.floor(curve.length / 10);
  if (tenth < 2) return undefined;
  return {
    start: meanOf(curve.slice(0, tenth)),
    before: meanOf(curve.slice(-2 * tenth, -tenth)),
    now: meanOf(curve.slice(-tenth)),
  };
};

/** Below this share of a tenth before, the loss still falls: single steps differ by more than the mean of a tenth. */
const falling = 0.97;
/** Grid cells: matches that are off by no more are as near as the network's grid is fine. */
const goodLoss = 1;
/** From so many clips on, more of them teach less than more steps. */
const enoughClips = 10;

/** What the numbers mean. @returns sentences */
export const explainLoss = (config: TrainingConfig, state: LossState | undefined): string => {
  const { batch, loss } = config;
  const cell = manifestFields(config).stride;
  const unit = loss.exponent === 1 ? '' : ` to the power ${loss.exponent}`;
  const scale = `The loss is how far a point is found from where it belongs, in cells of ${cell} pixels of the ${batch.inputSize} pixel crop${unit}: at the beginning matches are guesses${state === undefined ? '' : ` (${state.start.toFixed(2)} here)`}, below ${goodLoss} they are right to about a cell, which is good.`;
  return `${scale} It is measured on new views of what is trained on: whether the object is found in other clips it does not say, nor how exactly. “dve eval points” does, by frames that you label.`;
};

/** What to do next, the most useful first. @returns sentences */
export const adviseTraining = (
  state: LossState | undefined,
  { steps, done }: { /** Of the settings. */ steps: number; /** Done. */ done: number },
  { pictures, videos }: TrainedOn,
): string[] => {
  const advice: string[] = [];
  const more = `“dve train … --resume --steps ${2 * Math.max(steps, done)}”`;
  if (done < steps) advice.push(`It was stopped at step ${done} of ${steps}: go on with --resume.`);
  if (state === undefined) return [...advice, 'These are too few steps to say anything: go on.'];
  const stillFalls = state.now < falling * state.before;
  if (stillFalls) {
    advice.push(
      `Go on: the loss still falls (${state.before.toFixed(3)} to ${state.now.toFixed(3)} in the last tenth): ${more}.`,
    );
  } else if (state.now > goodLoss) {
    advice.push(
      `The loss stays at ${state.now.toFixed(2)}, and more steps alone will hardly change that. Look at the pairs below: does the object fill its square, does the flow follow it? Say where it is (--roi boxes FILE), or take clips in which it moves less from frame to frame.`,
    );
  } else advice.push(`More steps gain little: the loss stays at ${state.now.toFixed(2)}.`);
  if (videos > 0 && videos < enoughClips && pictures === 0) {
    advice.push(
      `More clips: ${videos === 1 ? 'all comes from one clip' : `there are ${videos} clips`}, and what differs in others, background, light, distance, is not learnt from them. Ten short ones teach more than one long one.`,
    );
  }
  if (!stillFalls || state.now < goodLoss) {
    advice.push(
      'Label: five to twenty frames that differ (“dve label VIDEO --model DIR” suggests which), then “dve landmarks”, “dve track --overlay”, and “dve eval points” on frames that are labelled and not in the set.',
    );
  }
  return advice;
};
