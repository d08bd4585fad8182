/**
 * The version of this package. Page and worker have a copy each, so that not in common.ts: they compare them, because a
 * worker's script may come from a cache or an older copy of dist.
 */
export const version = '0.1.0';
