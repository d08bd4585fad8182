/** Track files that hold the results of the API as they are: one JSON object a line. */
import type { TrackFormat, TrackHeader } from '../pipeline/track-format.ts';

/** Finer than any landmark is known, and than any time that files tell. */
const digits = 4;
const timeDigits = 6;

const rounded = (key: string, value: unknown): unknown => {
  // Thousands of numbers a frame that nobody reads in a file; what `--puppet` makes of them is in the other formats.
  if (key === 'gist') return undefined;
  return typeof value === 'number' && !Number.isInteger(value)
    ? Number(value.toFixed(key === 'timestamp' ? timeDigits : digits))
    : value;
};

/** Each line is a frame's `TrackResult` but for `gist`; of a picture that could not be read it has no more than its status and time. */
export const resultsFormat = ({ calibrated = false }: TrackHeader): TrackFormat => ({
  head: '',
  row: ({ result, file }) => {
    const line = result.status === 'unreadable' ? result : { ...result, calibrated };
    return `${JSON.stringify({ ...(file !== undefined && { file }), ...line }, rounded)}\n`;
  },
  tail: () => '',
});
