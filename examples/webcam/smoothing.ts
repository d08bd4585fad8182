import { defaultSmoothing, type SmootherOptions } from 'dve-sdk';
import { chosen } from '../shared/elements.ts';
import { onChoice, page } from './page.ts';

/** The sliders stand for factors of the defaults: a tenth to ten times. */
const factor = (slider: HTMLInputElement): number => 10 ** Number(slider.value);

const short = (value: number): string => Number(value.toPrecision(2)).toString();

const settings = (): Required<Pick<SmootherOptions, 'minCutoff' | 'beta'>> => ({
  // Calmer is a lower cut-off.
  minCutoff: defaultSmoothing.minCutoff / factor(page.cutoff),
  beta: defaultSmoothing.beta * factor(page.beta),
});

/** What the controls say now. */
export const currentSmoothing = (): SmootherOptions | false =>
  chosen('smoothing') === 'off' ? false : settings();

const show = (): void => {
  const { minCutoff, beta } = settings();
  page.cutoffValue.textContent = `${short(minCutoff)} Hz`;
  page.betaValue.textContent = `β ${short(beta)}`;
  const isOff = chosen('smoothing') === 'off';
  page.cutoff.disabled = isOff;
  page.beta.disabled = isOff;
};

/** @param onChange what follows the controls */
export const connectSmoothing = (onChange: (smoothing: SmootherOptions | false) => void): void => {
  const changed = (): void => {
    show();
    onChange(currentSmoothing());
  };
  onChoice('smoothing', changed);
  page.cutoff.addEventListener('input', changed);
  page.beta.addEventListener('input', changed);
  page.smoothingReset.addEventListener('click', () => {
    page.cutoff.value = '0';
    page.beta.value = '0';
    changed();
  });
  show();
};
