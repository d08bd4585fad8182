import type { Input, VideoSample } from 'mediabunny';
import { DeviceError, DveError, firstLine, InputError, SourceError } from '../errors.ts';
import { rejectUnknownKeys } from '../options.ts';

type Library = typeof import('mediabunny');

/** Where the library comes from. */
type Source = { mediabunny: (() => Promise<unknown>) | string | URL };

const isLibrary = (module: unknown): module is Library =>
  typeof module === 'object' && module !== null && 'BlobSource' in module && 'VideoSampleSink' in module;

const loadLibrary = async ({ mediabunny }: Source): Promise<Library> => {
  const remedy =
    "Run npm install mediabunny and pass mediabunny: () => import('mediabunny'), or the URL of its bundle on your server.";
  let module: unknown;
  try {
    if (typeof mediabunny === 'function') module = await mediabunny();
    else {
      const url = new URL(mediabunny, location.href).href;
      module = await import(/* @vite-ignore */ /* webpackIgnore: true */ url);
    }
  } catch (error) {
    throw new DeviceError(`mediabunny could not be loaded (${firstLine(error)}). ${remedy}`, {
      cause: error,
    });
  }
  if (isLibrary(module)) return module;
  throw new DeviceError(`what was given as mediabunny is another module. ${remedy}`);
};

/** A sample's frame as it is meant to be shown: turned upright, with square pixels. Closes the sample. */
const shownFrame = async (sample: VideoSample): Promise<VideoFrame> => {
  const { displayWidth: width, displayHeight: height } = sample;
  const isPlain = sample.rotation === 0 && sample.codedWidth === width && sample.codedHeight === height;
  try {
    if (isPlain) return sample.toVideoFrame();
    const shown = await sample.transform({ width, height, fit: 'fill' });
    try {
      return shown.toVideoFrame();
    } finally {
      shown.close();
    }
  } finally {
    sample.close();
  }
};

async function* frames(
  library: Library,
  input: Input,
): AsyncGenerator<{ image: VideoFrame; timestamp: number }, void> {
  const track = await input.getPrimaryVideoTrack();
  if (track === null) throw new SourceError('the file has no video. Pass another file.');
  if (!(await track.canDecode())) {
    throw new SourceError(
      `this browser cannot decode the file's video (${String(await track.getCodec())}). Convert it to MP4 (H.264) or WebM.`,
    );
  }
  for await (const sample of new library.VideoSampleSink(track).samples()) {
    const { timestamp } = sample;
    yield { image: await shownFrame(sample), timestamp };
  }
}

/** Behind `videoFrames`, which says what it does. */
export async function* readVideo(
  file: Blob,
  options: Source,
): AsyncGenerator<{ image: VideoFrame; timestamp: number }, void> {
  rejectUnknownKeys(options, ['mediabunny'], 'videoFrames()');
  if (!((file as unknown) instanceof Blob)) {
    throw new InputError('videoFrames() was given no Blob. Pass a file, or what fetch() gives by blob().');
  }
  const library = await loadLibrary(options);
  const input = new library.Input({ formats: library.ALL_FORMATS, source: new library.BlobSource(file) });
  try {
    yield* frames(library, input);
  } catch (error) {
    if (error instanceof DveError) throw error;
    throw new SourceError(
      `the video file cannot be read (${firstLine(error)}). Try another one, or convert it to MP4 (H.264) or WebM.`,
      { cause: error },
    );
  } finally {
    input.dispose();
  }
}
