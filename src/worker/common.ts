/**
 * What a page and its tracker's worker both use: a file that is fetched once. It is named as one in rollup.config.ts,
 * which takes what is listed here from it wherever the worker imports it.
 */
export * from '../errors.ts';
export * from '../geometry/coordinates.ts';
export * from '../geometry/roi.ts';
export * from '../landmarks/gist.ts';
export * from '../landmarks/smoother-options.ts';
export * from '../model/call-queue.ts';
export * from '../model/fetch-bytes.ts';
export * from '../options.ts';
export * from '../pipeline/result.ts';
export * from './rpc.ts';
