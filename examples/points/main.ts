import { openModel, type LandmarkSet, type Point, type TrackingModel } from 'dve-sdk';
import { parseLandmarkSet, serializeLandmarkSet } from 'dve-sdk/pictures';
import { onDrop } from '../shared/drops.ts';
import { commit, redo, startHistory, undo, type History } from '../shared/history.ts';
import { showList } from './list.ts';
import { createLive } from './live.ts';
import {
  addPicture,
  addPoint,
  deletePicture,
  deletePoint,
  noMarks,
  toggleConnection,
  type Marks,
} from './marks.ts';
import { placeOn } from '../shared/point-surface.ts';
import { page, showProblem, showStatus } from './page.ts';
import { createSurface } from './surface.ts';

// Another model than the package's own: ?model=URL of its folder.
const modelUrl = new URLSearchParams(location.search).get('model');

let opening: Promise<TrackingModel> | undefined;
const model = (): Promise<TrackingModel> => {
  opening ??= openModel(modelUrl === null ? {} : { model: modelUrl }).catch((error: unknown) => {
    // The next who needs it tries again.
    opening = undefined;
    throw error;
  });
  return opening;
};

let history = startHistory(noMarks);
let picture = 0;
let selected: number | undefined;
let connecting: number | undefined;
/** What is tracked now; undefined while nothing is marked. */
let set: LandmarkSet | undefined;
/** Counts changes: a set that was overtaken by another is not used. */
let changes = 0;

const live = createLive(model);

/** The set of what is marked. */
const makeSet = async ({
  imported,
  names,
  connections,
  pictures,
}: Marks): Promise<LandmarkSet | undefined> => {
  if (names.length === 0) return undefined;
  if (pictures.length === 0) return imported && { ...imported, names, connections };
  const opened = await model();
  return opened.createLandmarkSet({
    pictures: pictures.map(({ bitmap, points }) => ({ picture: bitmap, points })),
    names,
    connections,
  });
};

/** Tracks what is marked, as soon as it is not changed any more. */
const track = async (): Promise<void> => {
  const mine = ++changes;
  try {
    const made = await makeSet(history.now);
    if (mine !== changes) return;
    set = made;
    await live.setLandmarks(made);
    showProblem();
  } catch (error) {
    if (mine === changes) showProblem(error);
  }
  page.export.disabled = set === undefined;
};

const show = (): void => {
  const { now, past, future } = history;
  picture = Math.min(picture, Math.max(0, now.pictures.length - 1));
  if (selected !== undefined && selected >= now.names.length) selected = undefined;
  if (connecting !== undefined && connecting >= now.names.length) connecting = undefined;
  surface.show(now, picture, connecting ?? selected);
  showList(now, connecting, { onRename: change, onConnect, onDelete });
  showThumbs(now);
  page.undo.disabled = past.length === 0;
  page.redo.disabled = future.length === 0;
  page.add.disabled = page.deletePicture.disabled = now.pictures.length === 0;
};

const showThumbs = ({ pictures }: Marks): void => {
  page.thumbs.hidden = pictures.length < 2;
  page.thumbs.replaceChildren(
    ...pictures.map(({ bitmap }, index) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.setAttribute('aria-label', `Picture ${index + 1} of ${pictures.length}`);
      button.setAttribute('aria-pressed', String(index === picture));
      const canvas = document.createElement('canvas');
      canvas.height = 96;
      canvas.width = Math.round((96 * bitmap.width) / bitmap.height);
      canvas.getContext('2d')?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      button.append(canvas);
      button.addEventListener('click', () => {
        picture = index;
        show();
      });
      return button;
    }),
  );
};

const go = (next: History<Marks>): void => {
  history = next;
  show();
  void track();
};
const change = (marks: Marks): void => {
  go(commit(history, marks));
};

/** Work that takes a while, one after the other: each starts from what the one before has left. */
let working: Promise<void> = Promise.resolve();
const work = (job: () => Promise<void>): void => {
  working = working.then(async () => {
    const before = page.status.dataset.state === 'idle';
    if (before) showStatus('working');
    try {
      await job();
    } catch (error) {
      showProblem(error);
    } finally {
      if (before) showStatus('idle');
    }
  });
};

/** Where points of one picture are in another: found by the network, to be put right by hand. */
const carry = async (from: ImageBitmap, to: ImageBitmap, points: readonly Point[]): Promise<Point[]> => {
  if (points.length === 0) return [];
  const found = await (await model()).correspond(from, to, { points });
  return found.points.map(({ x, y }) => ({
    x: Math.min(to.width, Math.max(0, x)),
    y: Math.min(to.height, Math.max(0, y)),
  }));
};

/** With one point more on all pictures. @param place in the picture of this index */
const withPoint = async (marks: Marks, place: Point, index: number): Promise<Marks> => {
  const from = marks.pictures[index].bitmap;
  const places: Point[] = [];
  for (const [other, { bitmap }] of marks.pictures.entries()) {
    places.push(other === index ? place : (await carry(from, bitmap, [place]))[0]);
  }
  selected = marks.names.length;
  return addPoint(marks, places);
};

const placePoint = async (place: Point, index: number): Promise<void> => {
  change(await withPoint(history.now, place, index));
};

/** With one picture more, which has all points. @param known where they are, if that is known */
const withPicture = async (marks: Marks, bitmap: ImageBitmap, known?: readonly Point[]): Promise<Marks> => {
  const first = marks.pictures.at(0);
  const isKnown = known?.length === marks.names.length;
  if (first === undefined && marks.imported !== undefined && !isKnown) {
    throw new Error(
      'Points of a set from a file are known only where they are tracked: freeze the live picture.',
    );
  }
  const points = isKnown ? known : first ? await carry(first.bitmap, bitmap, first.points) : [];
  picture = marks.pictures.length;
  return addPicture(marks, { bitmap, points });
};

const onDelete = (point: number): void => {
  connecting = undefined;
  change(deletePoint(history.now, point));
  surface.focus(Math.min(point, history.now.names.length - 1));
};

const onConnect = (point: number): void => {
  if (connecting === undefined || connecting === point) {
    connecting = connecting === point ? undefined : point;
    show();
    return;
  }
  const from = connecting;
  connecting = undefined;
  change(toggleConnection(history.now, from, point));
};

const surface = createSurface({
  onPlace: (place) => {
    work(() => placePoint(place, picture));
  },
  onSelect: (point) => {
    if (connecting !== undefined) onConnect(point);
    else {
      selected = point;
      show();
    }
  },
  onMove: change,
  onDelete,
  onConnect,
});

const readSet = async (file: File): Promise<void> => {
  const imported = parseLandmarkSet(await file.text(), file.name);
  const { names, connections } = imported;
  change({ names, connections, pictures: [], imported });
};

const playVideo = async (file: File): Promise<void> => {
  const video = document.createElement('video');
  video.muted = video.loop = video.playsInline = true;
  const url = URL.createObjectURL(file);
  video.src = url;
  video.play().catch(() => undefined);
  await live.start(video, () => {
    video.pause();
    URL.revokeObjectURL(url);
  });
};

const take = (files: Iterable<File>): void => {
  for (const file of files) {
    if (file.name.toLowerCase().endsWith('.json')) work(() => readSet(file));
    else if (file.type.startsWith('video/')) void playVideo(file);
    else {
      work(async () => {
        const bitmap = await createImageBitmap(file).catch((error: unknown) => {
          throw new Error(`${file.name} is no picture that this browser can show.`, { cause: error });
        });
        change(await withPicture(history.now, bitmap));
      });
    }
  }
};

/** The live picture as one to mark points on. */
const freeze = async (): Promise<void> => {
  const frozen = await live.freeze();
  if (frozen === undefined) return;
  const { bitmap, points } = frozen;
  // Where the object is not seen the points of this very frame are not known: the network looks for them.
  change(await withPicture(history.now, bitmap, points.length > 0 ? points : undefined));
};

/** A point that was clicked on the live picture: the first one freezes it, later ones are found in what is frozen. */
const placeLivePoint = async (place: Point): Promise<void> => {
  const frozen = await live.freeze();
  if (frozen === undefined) return;
  const { now } = history;
  const reference = now.pictures.at(picture);
  if (reference === undefined) {
    const { bitmap, points } = frozen;
    const marks = await withPicture(now, bitmap, points.length > 0 ? points : undefined);
    change(await withPoint(marks, place, picture));
    return;
  }
  try {
    const [found] = await carry(frozen.bitmap, reference.bitmap, [place]);
    await placePoint(found, picture);
  } finally {
    frozen.bitmap.close();
  }
};

const save = (): void => {
  if (set === undefined) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([serializeLandmarkSet(set)], { type: 'application/json' }));
  link.download = 'landmarks.json';
  link.click();
  URL.revokeObjectURL(link.href);
};

const choose = (accept: string): void => {
  page.files.accept = accept;
  page.files.value = '';
  page.files.click();
};

page.camera.addEventListener('click', () => void live.start('camera'));
page.video.addEventListener('click', () => {
  choose('video/*');
});
page.open.addEventListener('click', () => {
  choose('image/*');
});
page.import.addEventListener('click', () => {
  choose('.json');
});
page.files.addEventListener('change', () => {
  take([...(page.files.files ?? [])]);
});
page.stop.addEventListener('click', () => void live.stop());
page.freeze.addEventListener('click', () => {
  work(freeze);
});
page.live.addEventListener('click', (event) => {
  const place = placeOn(page.live, event);
  work(() => placeLivePoint(place));
});
page.add.addEventListener('click', () => {
  work(async () => {
    const { bitmap } = history.now.pictures[picture];
    await placePoint({ x: bitmap.width / 2, y: bitmap.height / 2 }, picture);
    surface.focus(history.now.names.length - 1);
  });
});
page.undo.addEventListener('click', () => {
  go(undo(history));
});
page.redo.addEventListener('click', () => {
  go(redo(history));
});
page.deletePicture.addEventListener('click', () => {
  change(deletePicture(history.now, picture));
});
page.export.addEventListener('click', save);
page.noticeClose.addEventListener('click', () => {
  showProblem();
});
addEventListener('keydown', (event) => {
  const isTyping = event.target instanceof HTMLInputElement;
  if (isTyping || !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 'z') return;
  event.preventDefault();
  go(event.shiftKey ? redo(history) : undo(history));
});
onDrop(page.work, take);
show();
