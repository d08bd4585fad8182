import {
  createTrackWriter,
  DeviceError,
  drawLandmarks,
  DveError,
  ModelError,
  SourceError,
  track,
  type DeviceChoice,
  type Tracking,
  type TrackResult,
  type TrackWriter,
} from 'dve-sdk';
import { onDrop } from '../shared/drops.ts';
import { chosen } from '../shared/elements.ts';
import { readModel, type SavedModel } from '../shared/saved-models.ts';
import { createFigures } from './figures.ts';
import { keepFocus, onChoice, page, showOver, showStatus } from './page.ts';
import { createSearchNote } from './search-note.ts';
import { connectSmoothing, currentSmoothing } from './smoothing.ts';

/** What the video element plays. */
type Playing =
  | { kind: 'camera'; stream: MediaStream }
  | { kind: 'file'; url: string; name: string }
  | { kind: 'sample'; stream: MediaStream; stop: () => void }
  | { kind: 'picture'; picture: File };

const figures = createFigures();
// Another model than the package's own: ?model=URL of its folder, or ?model=browser:NAME of one that was trained here.
const modelName = new URLSearchParams(location.search).get('model');
const savedPrefix = 'browser:';
const isSaved = modelName?.startsWith(savedPrefix) === true;

const openModel = async (): Promise<{ model?: string | SavedModel }> => {
  if (modelName === null) return {};
  if (!isSaved) return { model: modelName };
  const model = await readModel(modelName.slice(savedPrefix.length));
  if (model !== undefined) return { model };
  throw new ModelError(
    'this browser keeps no trained model any more. Train one again, or open the demo without it.',
  );
};

const searchNote = createSearchNote(page.searchNote, isSaved);

let playing: Playing | undefined;
let tracking: Tracking | undefined;
let connections: readonly (readonly [number, number])[] = [];
let last: TrackResult | undefined;
/** What is saved as a file: the frames of a video once, of a camera the first ten minutes. */
let writers: Record<'json' | 'csv', TrackWriter> | undefined;
const mostRows = 18_000;
/** Counts starts: one that was overtaken by another must not go on. */
let generation = 0;

const deviceChoice = (): DeviceChoice => {
  const choice = chosen('device');
  return choice === 'webgpu' || choice === 'wasm' ? choice : 'auto';
};

const isMirrored = (): boolean => playing?.kind === 'camera' && page.mirror.checked;

const sizeStage = (width: number, height: number): void => {
  if (page.overlay.width === width && page.overlay.height === height) return;
  page.stageColumn.style.setProperty('--ratio', String(width / height));
  for (const canvas of [page.picture, page.overlay]) [canvas.width, canvas.height] = [width, height];
};

const layOut = (): void => {
  const { videoWidth, videoHeight } = page.video;
  page.stage.classList.toggle('has-picture', playing !== undefined && videoWidth > 0);
  page.stage.classList.toggle('is-mirrored', isMirrored());
  if (playing !== undefined && videoWidth > 0) sizeStage(videoWidth, videoHeight);
};

/** Shows the frame that was measured, so that the points lie where they were found, however late that is. */
const showFrame = (frame: VideoFrame, { width, height }: TrackResult): void => {
  sizeStage(width, height);
  page.picture.getContext('2d')?.drawImage(frame, 0, 0, width, height);
  frame.close();
};

const clearPicture = (): void => {
  page.picture.getContext('2d')?.clearRect(0, 0, page.picture.width, page.picture.height);
};

const drawOptions = () => ({
  connections: page.showLines.checked ? connections : [],
  points: page.showPoints.checked,
  raw: page.showRaw.checked,
  hidden: page.showHidden.checked,
  roi: page.showRoi.checked,
});

const draw = (): void => {
  const context = page.overlay.getContext('2d');
  if (context === null) return;
  context.clearRect(0, 0, page.overlay.width, page.overlay.height);
  if (last !== undefined) drawLandmarks(context, last, drawOptions());
};

const showButtons = (): void => {
  const isRunning = playing !== undefined;
  page.camera.setAttribute('aria-pressed', String(playing?.kind === 'camera'));
  page.file.setAttribute('aria-pressed', String(playing?.kind === 'file' || playing?.kind === 'picture'));
  page.sample.setAttribute('aria-pressed', String(playing?.kind === 'sample'));
  for (const button of [page.snapshot, page.stop]) button.disabled = !isRunning;
  page.pause.disabled = !isRunning || playing?.kind === 'picture';
  page.seek.hidden = playing?.kind !== 'file';
  for (const button of [page.saveJson, page.saveCsv]) button.disabled = writers === undefined;
  keepFocus();
  page.pause.textContent = isRunning && page.video.paused ? 'Resume' : 'Pause';
};

const closeSource = (source: Playing): void => {
  if (source.kind === 'sample') source.stop();
  if (source.kind === 'file') URL.revokeObjectURL(source.url);
  if ('stream' in source) for (const track of source.stream.getTracks()) track.stop();
};

const release = (): void => {
  page.video.pause();
  if (playing !== undefined) closeSource(playing);
  page.video.srcObject = null;
  page.video.removeAttribute('src');
  playing = undefined;
};

const stop = async (): Promise<void> => {
  generation += 1;
  const ending = tracking;
  tracking = undefined;
  writers = undefined;
  searchNote.clear();
  release();
  last = undefined;
  draw();
  clearPicture();
  layOut();
  showButtons();
  await ending?.close();
};

const titles: readonly (readonly [RegExp, string])[] = [
  [/refused/, 'The camera was refused'],
  [/no camera/, 'No camera found'],
  [/in use/, 'The camera is busy'],
  [/video cannot/, 'This video cannot be played'],
  [/decoded as a picture/, 'This picture cannot be read'],
  [/plugged/, 'The camera is gone'],
];

const fail = async (error: unknown): Promise<void> => {
  page.noticeRetry.textContent =
    playing !== undefined && playing.kind !== 'camera' ? 'Use the camera' : 'Try again';
  await stop();
  const message = error instanceof Error ? error.message : String(error);
  const title = titles.find(([pattern]) => pattern.test(message))?.[1];
  // What the title says already is not said again.
  const text = message.replace(/^(the camera was refused|there is no camera)\. /, '');
  page.noticeTitle.textContent =
    title ??
    (error instanceof SourceError
      ? 'No picture'
      : error instanceof DveError
        ? 'It could not start'
        : 'Something broke');
  // A file's name keeps its letters.
  page.noticeText.textContent = text.replace(
    /^[a-z]+(?=[ '])/,
    (word) => word.charAt(0).toUpperCase() + word.slice(1),
  );
  showOver('notice');
  showStatus('failed');
};

/** Follows the video element until it is stopped, ends or fails. @param note said of the device, if there is something to say */
const follow = async (mine: number, note?: string): Promise<void> => {
  figures.clear();
  page.busyText.textContent = 'Loading the model …';
  showOver('busy');
  showStatus('starting');
  try {
    const opened = await openModel();
    if (mine !== generation) return;
    const running = track(playing?.kind === 'picture' ? playing.picture : page.video, {
      device: deviceChoice(),
      smoothing: currentSmoothing(),
      withFrame: true,
      ...opened,
    });
    tracking = running;
    const { landmarks, device, precision, threads, deviceNote } = await running.ready;
    connections = landmarks.connections;
    const detail =
      device === 'webgpu' ? 'WebGPU' : `CPU, ${threads === 1 ? '1 thread' : `${threads} threads`}`;
    page.device.textContent = `${detail}, ${precision}`;
    page.deviceNote.textContent =
      (deviceNote === undefined ? undefined : `On the CPU: ${deviceNote}.`) ??
      (device === 'webgpu' ? 'WebGPU gives the same points as the CPU, and is faster.' : 'As chosen.');
    if (note !== undefined) page.deviceNote.textContent = note;
    showOver('nothing');
    const [json, csv] = await Promise.all([
      createTrackWriter('json', landmarks.names),
      createTrackWriter('csv', landmarks.names),
    ]);
    writers = { json, csv };
    let rows = 0;
    let time = -Infinity;
    showButtons();
    for await (const { frame, ...result } of running) {
      if (mine !== generation) break;
      last = result;
      showFrame(frame, result);
      if (result.timestamp > time && rows++ < mostRows) {
        time = result.timestamp;
        for (const writer of [json, csv]) writer.add(result);
      }
      if (!page.video.paused || playing?.kind === 'picture') showStatus(result.status);
      draw();
      figures.add(result, running.stats);
      searchNote.add(result);
    }
  } catch (error) {
    if (mine !== generation) return;
    if (error instanceof DeviceError && deviceChoice() === 'webgpu') {
      // The picture goes on where it can, and the choice says so.
      page.deviceAuto.checked = true;
      await follow(mine, `WebGPU cannot be used here: ${error.message.replace(/ Pass device:.*$/, '')}`);
    } else await fail(error);
  }
};

const start = async (open: () => Promise<Playing>): Promise<void> => {
  await stop();
  const mine = ++generation;
  page.busyText.textContent = 'Starting …';
  showOver('busy');
  showStatus('starting');
  try {
    const opened = await open();
    if (mine !== generation) {
      closeSource(opened);
      return;
    }
    playing = opened;
    if ('stream' in opened) page.video.srcObject = opened.stream;
    else if (opened.kind === 'file') page.video.src = opened.url;
    page.video.loop = opened.kind === 'file';
    // A video that cannot be played is reported by the tracking, with its reason.
    if (opened.kind !== 'picture') await page.video.play().catch(() => undefined);
    layOut();
    showButtons();
    await follow(mine);
  } catch (error) {
    if (mine === generation) await fail(error);
  }
};

const cameraErrors: Readonly<Record<string, string>> = {
  NotAllowedError: "the camera was refused. Allow it in the browser's address bar, then try again.",
  NotFoundError: 'there is no camera. Plug one in, or open a video instead.',
  NotReadableError: 'the camera is in use by another program. Close that program and try again.',
};

const openCamera = async (): Promise<Playing> => {
  const deviceId = page.cameras.value;
  const wanted = deviceId === '' ? { facingMode: 'user' } : { deviceId: { exact: deviceId } };
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      video: { ...wanted, width: { ideal: 640 }, height: { ideal: 480 } },
    });
    await listCameras(stream);
    return { kind: 'camera', stream };
  } catch (error) {
    const name = error instanceof Error ? error.name : '';
    throw new SourceError(cameraErrors[name] ?? `the camera could not be opened (${String(error)}).`, {
      cause: error,
    });
  }
};

/** Names of cameras are told only after one was allowed. */
const listCameras = async (stream: MediaStream): Promise<void> => {
  const devices = await navigator.mediaDevices.enumerateDevices();
  const cameras = devices.filter(({ kind }) => kind === 'videoinput');
  const current = stream.getVideoTracks()[0].getSettings().deviceId;
  const options = cameras.map(({ deviceId, label }, index) => {
    const option = new Option(label === '' ? `Camera ${index + 1}` : label, deviceId);
    option.selected = deviceId === current;
    return option;
  });
  page.cameras.replaceChildren(...options);
  page.cameraChoice.hidden = cameras.length < 2;
};

/** The puppet's own face, beside the package's model. */
const faceUrl = new URL('../../models/face/face.bin', import.meta.url);
const openSample = async (): Promise<Playing> => {
  const { openSampleFace } = await import('../shared/sample-face.ts');
  const { stream, move, stop } = await openSampleFace(faceUrl);
  move();
  return { kind: 'sample', stream, stop };
};

const startCamera = (): void => void start(openCamera);
const startSample = (): void => void start(openSample);
const startFile = (file: File): void =>
  void start(() =>
    Promise.resolve(
      file.type.startsWith('image/')
        ? { kind: 'picture', picture: file }
        : { kind: 'file', url: URL.createObjectURL(file), name: file.name },
    ),
  );
const askForFile = (): void => {
  page.fileInput.click();
};

const save = (content: Blob, ending: string): void => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = `landmarks-${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}.${ending}`;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(link.href);
  }, 10_000);
};

const saveSnapshot = (): void => {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [page.picture.width, page.picture.height];
  const context = canvas.getContext('2d');
  if (context === null) return;
  if (isMirrored()) context.setTransform(-1, 0, 0, 1, canvas.width, 0);
  context.drawImage(page.picture, 0, 0);
  context.drawImage(page.overlay, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((blob) => {
    if (blob !== null) save(blob, 'png');
  }, 'image/png');
};

if (isSaved) page.welcomeTitle.textContent = 'See what you have trained';
page.startCamera.addEventListener('click', startCamera);
page.camera.addEventListener('click', startCamera);
page.noticeRetry.addEventListener('click', startCamera);
page.cameras.addEventListener('change', startCamera);
for (const button of [page.startSample, page.sample]) button.addEventListener('click', startSample);
for (const button of [page.startFile, page.file, page.noticeFile])
  button.addEventListener('click', askForFile);
page.fileInput.addEventListener('change', () => {
  const file = page.fileInput.files?.[0];
  if (file !== undefined) startFile(file);
  page.fileInput.value = '';
});
page.snapshot.addEventListener('click', saveSnapshot);
page.saveJson.addEventListener('click', () => {
  if (writers !== undefined) save(writers.json.file(), 'json');
});
page.saveCsv.addEventListener('click', () => {
  if (writers !== undefined) save(writers.csv.file(), 'csv');
});
page.seek.addEventListener('input', () => {
  page.video.currentTime = Number(page.seek.value) * page.video.duration;
});
page.video.addEventListener('timeupdate', () => {
  const { currentTime, duration } = page.video;
  if (duration > 0 && document.activeElement !== page.seek) page.seek.value = String(currentTime / duration);
});
page.stop.addEventListener('click', () => {
  void stop();
  figures.clear();
  showOver('welcome');
  showStatus('idle');
});
page.pause.addEventListener('click', () => {
  if (page.video.paused) void page.video.play();
  else page.video.pause();
});
page.video.addEventListener('pause', () => {
  showButtons();
  if (playing !== undefined) showStatus('paused');
});
page.video.addEventListener('play', showButtons);
page.video.addEventListener('resize', layOut);
page.mirror.addEventListener('change', layOut);
for (const box of [page.showPoints, page.showLines, page.showRaw, page.showHidden, page.showRoi]) {
  box.addEventListener('change', draw);
}
connectSmoothing((smoothing) => {
  // Fails only for a tracking that has ended; the next one starts with what the controls say.
  tracking?.setSmoothing(smoothing).catch(() => undefined);
});
onChoice('device', () => {
  if (playing === undefined) return;
  // The same picture goes on, with another worker behind it.
  const mine = ++generation;
  const ending = tracking;
  tracking = undefined;
  void (async () => {
    await ending?.close();
    await follow(mine);
  })();
});

onDrop(page.stage, ([file]) => {
  startFile(file);
});
