/** Why a worker did not start, at length: loaded when that happens. */
import { ClosedError, DeviceError } from '../errors.ts';
import { version } from './version.ts';

/** Where nobody said where the script is. */
const bundledRemedy =
  "Where the bundler does not do it (esbuild, Parcel), copy dve-sdk's folders dist and models to what is served and name dist by assetBase; with the development server of Vite 7 or older, add 'dve-sdk' to optimizeDeps.exclude. A Content-Security-Policy has to allow it in worker-src.";

/** @param script its URL, where `assetBase` told where it is */
export const noScript = (owner: string, script: string | undefined): ClosedError => {
  const remedy =
    script === undefined
      ? bundledRemedy
      : `It should be at ${script}: check that assetBase is the URL of a copy of dve-sdk's dist folder. A Content-Security-Policy has to allow it in worker-src.`;
  return new ClosedError(`the ${owner}'s worker script could not be loaded. ${remedy}`);
};

export const noWorkers = (): DeviceError =>
  new DeviceError(
    'there are no web workers here: dve-sdk tracks in browsers. In Node use the command line, "npx dve track VIDEO --out FILE.json".',
  );

/** @param limit seconds that were waited */
export const noAnswer = (owner: string, limit: number): ClosedError =>
  new ClosedError(
    `the ${owner}'s worker did not answer in ${limit} s: its script may be empty or of another version. Serve all files of dve-sdk's dist folder, of one version.`,
  );

/** @param found the version that the script says it is of; very old ones say none */
export const otherVersion = (owner: string, found: string | undefined): DeviceError =>
  new DeviceError(
    `the ${owner}'s worker script is of dve-sdk ${found ?? 'before 0.1.0'}, its page of ${version}. Copy the whole dist folder again, and empty caches.`,
  );
