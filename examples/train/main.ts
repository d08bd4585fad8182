import {
  createTraining,
  DveError,
  ModelError,
  type TrainedFiles,
  type Training,
  type TrainingInfo,
  type TrainingProgress,
} from 'dve-sdk/train';
import { zipSync } from 'fflate';
import { onDrop } from '../shared/drops.ts';
import { readModel, saveModel } from '../shared/saved-models.ts';
import { createChart } from './chart.ts';
import { createFileList, isVideo } from './file-list.ts';
import { createMarker } from './marker.ts';
import { showMatches } from './match-view.ts';
import { chosenDevice, page, showStatus } from './page.ts';

const mediabunny = new URL('../../node_modules/mediabunny/dist/bundles/mediabunny.min.mjs', import.meta.url);
/** Name under which the webcam demo finds what was trained here. */
const savedName = 'trained';

/** Name under which this page finds what it learnt before, to go on from. */
const learntName = 'training';
const checkpointName = 'checkpoint.bin';

type State = 'idle' | 'running' | 'ended';

let state: State = 'idle';
/** Others change it meanwhile, which the type checker does not see. */
const isState = (asked: State): boolean => state === asked;
let training: Training | undefined;
/** Whether one step was done, so that there is something to keep. */
let hasLearnt = false;
let isSaving = false;

/** What was learnt before, here or when the page was open last. */
let learnt: { checkpoint: Uint8Array<ArrayBuffer>; steps: number } | undefined;

const chart = createChart(page.chart);

/** Whether the next training goes on from what was learnt. */
const goesOn = (): boolean => learnt !== undefined && page.resume.checked;

const showControls = (): void => {
  const isRunning = state === 'running';
  const { length } = list.files;
  page.start.hidden = isRunning;
  page.stop.hidden = !isRunning;
  page.start.disabled = length === 0;
  page.start.textContent = goesOn() ? 'Go on training' : state === 'ended' ? 'Train anew' : 'Start training';
  page.resumeLabel.hidden = isRunning || learnt === undefined;
  page.resumeText.textContent = `Go on from the ${learnt?.steps.toLocaleString('en') ?? ''} steps that are done`;
  page.startNote.hidden = isRunning || length > 0;
  page.listClear.hidden = page.choose.disabled = isRunning;
  page.listClear.disabled = isRunning;
  const videos = list.files.filter(isVideo).length;
  page.shareLabel.hidden = videos === 0 || videos === length;
  for (const field of document.querySelectorAll<HTMLInputElement>('aside .card input, aside select')) {
    field.disabled = isRunning;
  }
  page.keep.hidden = page.marking.hidden = !hasLearnt;
  const canMark = marker.marks() !== undefined;
  page.demo.disabled = isSaving || !canMark;
  page.download.disabled = isSaving;
  if (!isSaving) {
    page.keepNote.textContent = canMark
      ? 'The model keeps the points that you marked.'
      : 'Mark points on the picture for the demo. The download works without, too.';
  }
};

const list = createFileList(() => {
  showControls();
});
const marker = createMarker(() => {
  showControls();
});

const showShare = (): void => {
  page.shareValue.textContent = `${Math.round(100 * Number(page.share.value))} %`;
};
page.share.addEventListener('input', showShare);
showShare();

/** What went wrong, in a few words; the message says the rest. */
const titles: readonly (readonly [RegExp, string])[] = [
  [/needs more memory/, 'Not enough memory'],
  [/GPU was lost/, 'The GPU was lost'],
  [/can be trained on/, 'Nothing to learn from'],
  [/different pictures/, 'Too few pictures'],
  [/hardly tells/, 'It does not know these points yet'],
  [/worker died/, 'The training broke off'],
  [/WebGPU/, 'WebGPU cannot be used'],
  [/diverged/, 'The training ran away'],
];

const showFailure = (error: unknown): void => {
  const message = error instanceof Error ? error.message : String(error);
  const known = titles.find(([pattern]) => pattern.test(message))?.[1];
  page.noticeTitle.textContent = known ?? (error instanceof DveError ? 'It cannot go on' : 'Something broke');
  page.noticeText.textContent = message.charAt(0).toUpperCase() + message.slice(1);
  page.notice.hidden = false;
};

const showTime = (seconds: number): void => {
  const isLong = seconds >= 90;
  page.left.textContent = String(Math.max(0, Math.round(isLong ? seconds / 60 : seconds)));
  page.leftUnit.textContent = isLong ? 'min' : 's';
};

const showProgress = (progress: TrainingProgress): void => {
  page.progress.classList.toggle('is-preparing', progress.phase === 'preparing');
  if (progress.phase === 'preparing') {
    const { done, total, pairs } = progress;
    page.stepTitle.textContent = 'Files';
    page.step.textContent = String(done);
    page.steps.textContent = `of ${total}`;
    page.chartNote.textContent =
      pairs > 0 ? `${pairs} pairs of frames with the motion between them` : 'Looking at the files …';
    page.meter.style.setProperty('--share', `${(100 * done) / Math.max(1, total)}%`);
    return;
  }
  const { step, steps, losses, picturesPerSecond, secondsLeft, device } = progress;
  page.stepTitle.textContent = 'Step';
  page.step.textContent = step.toLocaleString('en');
  page.steps.textContent = `of ${steps.toLocaleString('en')}`;
  page.speed.textContent =
    picturesPerSecond < 10 ? picturesPerSecond.toFixed(1) : picturesPerSecond.toFixed(0);
  showTime(secondsLeft);
  page.meter.style.setProperty('--share', `${(100 * step) / steps}%`);
  page.chartNote.textContent = `Loss ${losses.at(-1)?.toFixed(3) ?? ''}: how far matches are off; each step has other pictures.`;
  page.device.textContent = deviceWords(device);
  chart.add(losses);
};

const deviceWords = ({ device, threads }: Pick<TrainingInfo, 'device' | 'threads'>): string =>
  device === 'webgpu' ? 'WebGPU' : `CPU, ${threads === 1 ? '1 thread' : `${threads} threads`}`;

const showFacts = (info: TrainingInfo): void => {
  page.facts.hidden = false;
  page.device.textContent = deviceWords(info);
  page.weights.textContent = info.parameters.toLocaleString('en');
  page.pictureCount.textContent = String(info.pictures);
  page.pairCount.textContent = String(info.pairs);
  page.deviceNote.textContent =
    info.deviceNote === undefined
      ? info.device === 'webgpu'
        ? 'WebGPU computes the same as the CPU here, and is faster.'
        : 'As chosen.'
      : `On the CPU: ${info.deviceNote}.`;
  list.showSkipped(info.skipped);
};

/** Shows sample matches again and again, so that they take a small part of the time. */
const followMatches = async (running: Training): Promise<void> => {
  while (training === running && state === 'running') {
    const start = performance.now();
    showMatches(page.matchRows, await running.matches(2));
    page.matches.hidden = false;
    const wait = Math.max(4000, 12 * (performance.now() - start));
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
};

/** Keeps what was learnt in this browser, so that training can go on when the page is opened again. */
const keepLearnt = async (running: Training, steps: number): Promise<void> => {
  const checkpoint = (await running.files()).get(checkpointName);
  if (checkpoint === undefined) return;
  learnt = { checkpoint, steps };
  page.resume.checked = true;
  const count = new TextEncoder().encode(String(steps));
  await saveModel(
    learntName,
    new Map([
      [checkpointName, checkpoint],
      ['steps', count],
    ]),
  );
};

const readLearnt = async (): Promise<void> => {
  const files = await readModel(learntName);
  const [checkpoint, count] = [files?.get(checkpointName), files?.get('steps')];
  if (checkpoint === undefined || count === undefined) return;
  learnt = {
    checkpoint: new Uint8Array(await checkpoint.arrayBuffer()),
    steps: Number(await count.text()),
  };
  showControls();
};

/** @param done steps that come before */
const settings = (done = 0) => ({
  category: page.category.value.trim() === '' ? 'object' : page.category.value.trim(),
  steps: done + Number(page.stepsChoice.value),
  videos: { share: Number(page.share.value) },
});

const start = async (): Promise<void> => {
  training?.close();
  state = 'running';
  hasLearnt = false;
  page.notice.hidden = true;
  page.progress.hidden = false;
  page.progress.classList.add('is-preparing');
  page.stepTitle.textContent = 'Files';
  page.step.textContent = '0';
  page.steps.textContent = `of ${list.files.length}`;
  page.chartNote.textContent = 'Looking at the files …';
  page.meter.style.setProperty('--share', '0%');
  page.matches.hidden = true;
  page.speed.textContent = page.left.textContent = '–';
  page.leftUnit.textContent = '';
  const before = goesOn() ? learnt : undefined;
  chart.clear(Number(page.stepsChoice.value));
  showStatus('preparing');
  showControls();
  let running: Training | undefined;
  let done = 0;
  try {
    running = createTraining({
      videos: list.files.filter(isVideo),
      pictures: list.files.filter((file) => !isVideo(file)),
      config: settings(before?.steps),
      ...(before && { checkpoint: before.checkpoint }),
      device: chosenDevice(),
      mediabunny,
    });
    training = running;
    running.ready.then(showFacts, () => undefined);
    for await (const progress of running) {
      showProgress(progress);
      if (progress.phase === 'training') done = progress.step;
      if (progress.phase !== 'training' || hasLearnt) continue;
      hasLearnt = true;
      showStatus('training');
      showControls();
      const { skipped } = await running.ready;
      void marker.open(list.files.filter((file) => !skipped.some(({ name }) => name === file.name)));
      // What fails here ends the training, too, and is told there.
      followMatches(running).catch(() => undefined);
    }
    if (training !== running) return;
    if (done > 0) await keepLearnt(running, done);
    showStatus('done');
    page.left.textContent = '–';
    page.leftUnit.textContent = '';
    showMatches(page.matchRows, await running.matches(2));
    page.matches.hidden = false;
  } catch (error) {
    if (training !== running) return;
    const isStopped = isState('ended');
    if (!isStopped) showFailure(error);
    showStatus(isStopped ? 'idle' : 'failed');
    if (!hasLearnt) page.progress.hidden = true;
  } finally {
    if (training === running) {
      state = 'ended';
      showControls();
    }
  }
};

const stop = async (): Promise<void> => {
  showStatus('stopping');
  // Before the first step there is nothing to end properly.
  if (!hasLearnt) state = 'ended';
  try {
    await training?.stop();
  } catch {
    // Told where the training is followed.
  }
};

/** Does something with the model as of now, which takes a moment. */
const keep = async (words: string, use: (running: Training) => Promise<void>): Promise<void> => {
  if (training === undefined) return;
  isSaving = true;
  page.notice.hidden = true;
  page.keepNote.textContent = words;
  showControls();
  try {
    await use(training);
  } catch (error) {
    showFailure(error);
    page.notice.scrollIntoView({ block: 'nearest' });
  } finally {
    isSaving = false;
    showControls();
  }
};

const save = (files: TrainedFiles): void => {
  // Networks are noise to a compressor.
  const zip = zipSync(Object.fromEntries(files), { level: 0 });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([zip], { type: 'application/zip' }));
  link.download = `${settings().category.replaceAll(/[^\w-]+/g, '-')}-model.zip`;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(link.href);
  }, 10_000);
};

const download = (): Promise<void> =>
  keep('Writing the model …', async (running) => {
    try {
      save(await running.files(marker.marks()));
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      // The points can be marked later, too; the network is what took the time.
      save(await running.files());
      throw new ModelError(`The model was saved without its points: ${error.message}`);
    }
  });

const useInDemo = (): Promise<void> =>
  keep('Handing it over …', async (running) => {
    await saveModel(savedName, await running.files(marker.marks()));
    const url = `../webcam/?model=browser:${savedName}`;
    // Training goes on here while the demo is open there.
    if (window.open(url, '_blank') === null) location.href = url;
  });

page.choose.addEventListener('click', () => {
  page.files.click();
});
page.files.addEventListener('change', () => {
  list.add(page.files.files ?? []);
  page.files.value = '';
});
page.listClear.addEventListener('click', () => {
  list.clear();
});
page.start.addEventListener('click', () => void start());
page.stop.addEventListener('click', () => void stop());
page.download.addEventListener('click', () => void download());
page.demo.addEventListener('click', () => void useInDemo());

onDrop(
  document.body,
  (files) => {
    list.add(files);
  },
  () => state !== 'running',
);
page.resume.addEventListener('change', showControls);
readLearnt().catch(showFailure);
addEventListener('beforeunload', (event) => {
  if (state === 'running' && hasLearnt) event.preventDefault();
});
showControls();
