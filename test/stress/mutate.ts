import type { Random } from '../../src/augment/random.ts';

/** What nobody expects in a file, and programs and accidents put there all the same. */
const hostileValues: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1, 1.5, 1e308, -1e308, 2 ** 30, 2 ** 53, 1e-320],
  ...['', ' ', '__proto__', 'constructor', '../../etc/passwd', 'a'.repeat(5000), '\u0000', '\ud800', '1'],
  ...[[], {}, [[]], [null], { toString: 1 }, { length: 5 }, Array.from({ length: 300 }, () => 0)],
];

type Slot = { owner: Record<string, unknown> | unknown[]; key: string | number };

/** Every place of a value that something stands in. */
const slotsOf = (value: unknown, slots: Slot[] = []): Slot[] => {
  if (typeof value !== 'object' || value === null) return slots;
  const owner = value as Slot['owner'];
  for (const key of Array.isArray(owner) ? owner.keys() : Object.keys(owner)) {
    slots.push({ owner, key });
    slotsOf((owner as Record<string | number, unknown>)[key], slots);
  }
  return slots;
};

const pick = <Item>(random: Random, items: readonly Item[]): Item => items[random.int(items.length)];

/** Changes one place of a JSON value, in place. */
const changeValue = (value: unknown, random: Random): void => {
  const slots = slotsOf(value);
  if (slots.length === 0) return;
  // The outer places are few and matter most: every other change is of one of them.
  const outer = slots.filter(({ owner }) => owner === value);
  const { owner, key } = pick(random, random.int(2) === 0 && outer.length > 0 ? outer : slots);
  const holder = owner as Record<string | number, unknown>;
  const other = pick(random, slots);
  switch (random.int(6)) {
    case 0:
      if (Array.isArray(owner)) owner.splice(Number(key), 1);
      else Reflect.deleteProperty(owner, key);
      return;
    case 1:
      if (Array.isArray(owner)) owner.push(holder[key]);
      else holder[`${key}2`] = holder[key];
      return;
    case 2:
      holder[key] = structuredClone((other.owner as Record<string | number, unknown>)[other.key]);
      return;
    case 3:
      if (typeof holder[key] === 'number') {
        holder[key] = holder[key] * pick(random, [-1, 0, 1e-9, 1.0001, 2, 1e9]);
        return;
      }
      break;
    default:
  }
  holder[key] = structuredClone(pick(random, hostileValues));
};

/** Damage of bytes: some changed, cut off, cut out or put in. */
export const mutateBytes = (bytes: Uint8Array, random: Random): Uint8Array => {
  const at = random.int(bytes.length);
  const length = 1 + random.int(16);
  switch (random.int(4)) {
    case 0:
      return bytes.slice(0, at);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + length))]);
    case 2: {
      const put = Uint8Array.from({ length }, () => random.int(256));
      return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at)]);
    }
    default: {
      const changed = Uint8Array.from(bytes);
      for (let i = 0; i < length; i++) changed[random.int(bytes.length)] = random.int(256);
      return changed;
    }
  }
};

/** A JSON text with one to four changes; every fourth is damaged as bytes. */
export const mutateJson = (text: string, random: Random): Uint8Array => {
  if (random.int(4) === 0) return mutateBytes(Buffer.from(text), random);
  const value: unknown = JSON.parse(text);
  const changes = 1 + random.int(4);
  for (let i = 0; i < changes; i++) changeValue(value, random);
  return Buffer.from(JSON.stringify(value));
};
