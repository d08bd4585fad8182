/** What puppets add to the rows of a track file. */
import type { PuppetResult } from '../puppet/puppet.ts';

const length = (value: number): number => Number(value.toFixed(2));
const share = (value: number): number => Number(value.toFixed(4));

/** Columns of the pose, in the order of {@link poseCells}. */
export const poseColumns = ['x', 'y', 'z', 'yaw', 'pitch', 'roll', 'confidence'] as const;

/** What was measured in a frame: nothing while the face is not tracked. */
const measured = (result: PuppetResult | undefined) => (result?.status === 'tracking' ? result : undefined);

/** Position in cm, camera coordinates; angles in degrees; confidence 0–1. */
const poseCells = (result: PuppetResult | undefined): number[] | undefined => {
  const pose = measured(result)?.pose;
  if (pose === undefined) return undefined;
  const { position, angles, confidence } = pose;
  return [
    ...[position.x, position.y, position.z, angles.yaw, angles.pitch, angles.roll].map(length),
    share(confidence),
  ];
};

/** `pose` and `expressions` of a frame in JSON, null where no face is tracked. */
export const puppetRecord = (result: PuppetResult | undefined): Record<string, unknown> => {
  const [cells, face] = [poseCells(result), measured(result)];
  if (cells === undefined || face === undefined) return { pose: null, expressions: null };
  const [x, y, z, yaw, pitch, roll, confidence] = cells;
  return {
    pose: { position: { x, y, z }, yaw, pitch, roll, confidence },
    expressions: Object.fromEntries(
      Object.entries(face.expressions).map(([name, value]) => [name, share(value)]),
    ),
  };
};

/** The same as cells of a CSV row, empty where no face is tracked. @param names of the expressions */
export const puppetCells = (result: PuppetResult | undefined, names: readonly string[]): string[] => {
  const [cells, face] = [poseCells(result), measured(result)];
  if (cells === undefined || face === undefined) return [...poseColumns, ...names].map(() => '');
  const values: Readonly<Record<string, number>> = face.expressions;
  return [...cells, ...names.map((name) => share(values[name]))].map(String);
};

/** What is known of the faces of a frame, by the ids of their objects. */
export type PuppetResults = ReadonlyMap<number, PuppetResult>;
