import { describe, expect, it } from 'vitest';
import {
  addPicture,
  addPoint,
  deletePicture,
  deletePoint,
  movePoint,
  noMarks,
  renamePoint,
  toggleConnection,
  type Marks,
} from '../../examples/points/marks.ts';
import { commit, redo, startHistory, undo } from '../../examples/shared/history.ts';

const bitmap = { width: 64, height: 48, close: () => undefined };

/** Three points on two pictures. */
const three = [10, 20, 30].reduce(
  (marks, x) =>
    addPoint(marks, [
      { x, y: 1 },
      { x, y: 2 },
    ]),
  addPicture(addPicture(noMarks, { bitmap, points: [] }), { bitmap, points: [] }),
);

const xOf = ({ pictures }: Marks, picture: number): number[] => pictures[picture].points.map(({ x }) => x);

describe('marks', () => {
  it('a new point is on all pictures and has a name that is free', () => {
    expect(three.names).toEqual(['point 1', 'point 2', 'point 3']);
    expect(three.pictures.map(({ points }) => points[2])).toEqual([
      { x: 30, y: 1 },
      { x: 30, y: 2 },
    ]);
    const without = deletePoint(three, 0);
    expect(
      addPoint(without, [
        { x: 0, y: 0 },
        { x: 0, y: 0 },
      ]).names,
    ).toEqual(['point 2', 'point 3', 'point 4']);
  });

  it('a point that goes takes its lines along, and the others keep theirs', () => {
    const joined = toggleConnection(toggleConnection(three, 0, 1), 1, 2);
    expect(deletePoint(joined, 0).connections).toEqual([[0, 1]]);
    expect(deletePoint(joined, 1).connections).toEqual([]);
    expect(xOf(deletePoint(joined, 1), 1)).toEqual([10, 30]);
  });

  it('a line that is drawn again, from either end, is taken away', () => {
    const joined = toggleConnection(three, 0, 2);
    expect(joined.connections).toEqual([[0, 2]]);
    expect(toggleConnection(joined, 2, 0).connections).toEqual([]);
  });

  it('names are those of one point, and not empty', () => {
    expect(renamePoint(three, 1, ' tip ')?.names).toEqual(['point 1', 'tip', 'point 3']);
    expect(renamePoint(three, 1, 'point 3')).toBeUndefined();
    expect(renamePoint(three, 1, '  ')).toBeUndefined();
    expect(renamePoint(three, 1, 'point 2')?.names).toEqual(three.names);
  });

  it('a point moves on one picture alone', () => {
    const moved = movePoint(three, 1, 0, { x: 5, y: 5 });
    expect([xOf(moved, 0), xOf(moved, 1)]).toEqual([
      [10, 20, 30],
      [5, 20, 30],
    ]);
  });

  it('without pictures nothing is marked', () => {
    expect(deletePicture(three, 0).names).toHaveLength(3);
    expect(deletePicture(deletePicture(three, 0), 0)).toEqual(noMarks);
  });

  it('every change can be undone and done again, until another is made', () => {
    const moved = movePoint(three, 0, 0, { x: 1, y: 1 });
    const history = commit(commit(startHistory(noMarks), three), moved);
    expect(undo(history).now).toBe(three);
    expect(redo(undo(history)).now).toBe(moved);
    expect(undo(undo(undo(history))).now).toBe(noMarks);
    const other = commit(undo(history), deletePoint(three, 0));
    expect(redo(other)).toBe(other);
  });
});
