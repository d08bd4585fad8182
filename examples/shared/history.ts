/** Going back and forth between values that never change. */

/** A value, and those before and after it. */
export type History<Value> = { now: Value; past: readonly Value[]; future: readonly Value[] };

const longest = 200;

export const startHistory = <Value>(now: Value): History<Value> => ({ now, past: [], future: [] });

export const commit = <Value>({ now, past }: History<Value>, next: Value): History<Value> => ({
  now: next,
  past: [...past, now].slice(-longest),
  future: [],
});

export const undo = <Value>(history: History<Value>): History<Value> => {
  const before = history.past.at(-1);
  if (before === undefined) return history;
  return { now: before, past: history.past.slice(0, -1), future: [history.now, ...history.future] };
};

export const redo = <Value>(history: History<Value>): History<Value> => {
  const [after, ...future] = history.future;
  return history.future.length === 0 ? history : { now: after, past: [...history.past, history.now], future };
};
