/** The labelling page itself, whoever gives the frames. */
import { parsePointsFile, serializePointsFile } from 'dve-sdk/pictures';
import type { Point } from 'dve-sdk';
import { onDrop } from '../shared/drops.ts';
import { commit, redo, startHistory, undo, type History } from '../shared/history.ts';
import { createPointSurface, type PointSurface } from '../shared/point-surface.ts';
import type { Clip, LabelHost } from './host.ts';
import {
  addPoint,
  deletePoint,
  fromFile,
  isSame,
  marksAt,
  noLabels,
  setMark,
  toFile,
  withMarks,
  type Labels,
  type Mark,
  type Place,
} from './labels.ts';
import { placeName, showFrames, showList, type ListEvents } from './list.ts';
import { page, showProblem, showStatus } from './page.ts';
import { createLikeness, meanConfidence, suggestNext } from './suggest.ts';

/** Runs one thing after the other, and says what went wrong. @returns takes a job, and what to say meanwhile */
const createQueue = () => {
  let working: Promise<void> = Promise.resolve();
  return (job: () => Promise<void>, text?: string): void => {
    working = working.then(async () => {
      if (text !== undefined) showStatus('working', text);
      try {
        await job();
        if (text !== undefined) showProblem();
      } catch (error) {
        showProblem(error);
      } finally {
        if (text !== undefined) showStatus('idle');
      }
    });
  };
};

const download = (text: string): void => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  link.download = 'points.json';
  link.click();
  URL.revokeObjectURL(link.href);
};

const choose = (accept: string): void => {
  page.files.accept = accept;
  page.files.value = '';
  page.files.click();
};

const everything = 'image/*,video/*,.mkv,.json';

const firstOpen = (marks: readonly Mark[]): number | undefined => {
  const index = marks.findIndex((mark) => mark === undefined);
  return index < 0 ? undefined : index;
};

const placeOf = ({ clip, frame }: Place): Place => (frame === undefined ? { clip } : { clip, frame });

/** What is labelled, which frame is shown, and what the page's buttons do. */
class Labelling {
  readonly #host: LabelHost;
  readonly #likeness: ReturnType<typeof createLikeness>;
  readonly #queue = createQueue();
  readonly #surface: PointSurface;
  #history: History<Labels> = startHistory(noLabels);
  #place: Place | undefined;
  #bitmap: ImageBitmap | undefined;
  /** What the next click places. */
  #chosen: number | undefined;
  /** The frame that is being read. */
  #wanted: Place | undefined;
  #savedText = '';

  constructor(host: LabelHost) {
    this.#host = host;
    this.#likeness = createLikeness(host);
    this.#surface = createPointSurface(page.picture, page.points, {
      onPlace: (at) => {
        this.#placePoint(at);
      },
      onSelect: (point) => {
        this.#chosen = point;
        this.show();
      },
      onMove: (point, at) => {
        this.#put(point, at);
      },
      onDelete: (point) => {
        this.#setHere(point, undefined);
      },
      onKey: (key, point) => {
        if (key === 'h') this.#hide(point);
      },
    });
  }

  get #labels(): Labels {
    return this.#history.now;
  }

  /** Of the frame that is shown. */
  get #marks(): readonly Mark[] {
    return this.#place === undefined ? [] : marksAt(this.#labels, this.#place);
  }

  /** Whether the file that was saved last holds all that is labelled. */
  get isSaved(): boolean {
    return this.#history.past.length === 0 || this.#savedText === this.#text;
  }

  get #text(): string {
    return serializePointsFile(toFile(this.#labels));
  }

  #clip(name: string | undefined): Clip | undefined {
    return this.#host.clips().find((one) => one.name === name);
  }

  readonly #events: ListEvents = {
    onChoose: (point) => {
      this.#choose(point);
    },
    onChange: (labels) => {
      this.#change(labels);
    },
    onHide: (point) => {
      this.#hide(point);
    },
    onDelete: (point) => {
      this.#change(deletePoint(this.#labels, point));
    },
    onGo: (place) => {
      this.goTo(place);
    },
  };

  show(): void {
    const { now, past, future } = this.#history;
    const [marks, place] = [this.#marks, this.#place];
    if (this.#chosen !== undefined && this.#chosen >= now.names.length) this.#chosen = undefined;
    page.empty.hidden = this.#bitmap !== undefined;
    this.#showPicture();
    showList(now, marks, this.#chosen, this.#events);
    showFrames(now, (frame) => place !== undefined && isSame(frame, place), this.#events);
    page.undo.disabled = past.length === 0;
    page.redo.disabled = future.length === 0;
    page.clear.disabled = marks.every((mark) => mark === undefined);
    page.export.disabled = now.frames.length === 0;
    page.add.disabled = page.suggest.disabled = this.#bitmap === undefined;
    const others = now.frames.filter((one) => place !== undefined && !isSame(one, place));
    page.guess.disabled = this.#host.guess === undefined || others.length === 0;
    this.showSeek();
  }

  #showPicture(): void {
    const picture = this.#bitmap;
    if (picture === undefined) {
      this.#surface.show(undefined);
      return;
    }
    const { names, colors, rest } = this.#labels;
    this.#surface.show({
      picture,
      points: this.#marks.map((mark, point) =>
        mark
          ? {
              ...{ x: mark.x * picture.width, y: mark.y * picture.height },
              ...{ label: String(point + 1), color: colors[point] },
              name: `${names[point]}, point ${point + 1} of ${names.length}`,
            }
          : null,
      ),
      lines: rest.connections,
      selected: this.#chosen,
    });
  }

  showSeek(): void {
    const last = (this.#clip(this.#place?.clip)?.frames ?? 1) - 1;
    const frame = this.#place?.frame ?? 0;
    page.seek.max = String(last);
    page.seek.value = String(frame);
    page.seek.disabled = last < 1;
    page.previous.disabled = frame <= 0;
    page.next.disabled = frame >= last;
    page.frameTitle.textContent =
      this.#place === undefined
        ? 'No video'
        : `${placeName(this.#place)}${last > 0 ? ` of ${last + 1}` : ''}`;
    const names = this.#host.clips().map(({ name }) => name);
    page.clip.hidden = names.length < 2;
    if (page.clip.dataset.names === names.join('\n')) return;
    page.clip.dataset.names = names.join('\n');
    page.clip.replaceChildren(...names.map((name) => new Option(name, name)));
    page.clip.value = this.#place?.clip ?? '';
  }

  #change(labels: Labels): void {
    this.#history = commit(this.#history, labels);
    this.show();
  }

  undo(): void {
    this.#history = undo(this.#history);
    this.show();
  }

  redo(): void {
    this.#history = redo(this.#history);
    this.show();
  }

  /** Of frames that are asked for while one is being read, the last one is read next. */
  goTo(to: Place): void {
    const isReading = this.#wanted !== undefined;
    this.#wanted = to;
    if (!isReading) this.#queue(() => this.#read());
  }

  async #read(): Promise<void> {
    try {
      for (
        let next = this.#wanted;
        next !== undefined;
        next = next === this.#wanted ? undefined : this.#wanted
      ) {
        const place = placeOf(next);
        this.#bitmap = await this.#host.frame(place);
        this.#place = place;
      }
    } finally {
      this.#wanted = undefined;
    }
    page.clip.value = this.#place?.clip ?? '';
    page.hint.textContent = '';
    this.#chosen = firstOpen(this.#marks);
    this.show();
  }

  /** @param by frames */
  step(by: number): void {
    const clip = this.#clip(this.#place?.clip);
    const frame = (this.#wanted ?? this.#place)?.frame;
    if (clip === undefined || frame === undefined) return;
    const to = Math.min(clip.frames - 1, Math.max(0, frame + by));
    if (to !== frame) this.goTo({ clip: clip.name, frame: to });
  }

  /** @param frame of the video that is shown */
  seek(frame: number): void {
    if (this.#place?.frame !== undefined) this.goTo({ clip: this.#place.clip, frame });
  }

  openClip(name: string): void {
    const clip = this.#clip(name);
    if (clip !== undefined) this.goTo(clip.isVideo ? { clip: name, frame: 0 } : { clip: name });
  }

  /** The first frame there is, once there is one. */
  begin(): void {
    const first = this.#host.clips().find(({ frames }) => frames > 0);
    if (this.#place === undefined && this.#wanted === undefined && first !== undefined)
      this.openClip(first.name);
    else this.showSeek();
  }

  #put(point: number, at: Point): void {
    if (this.#bitmap === undefined) return;
    this.#setHere(point, { x: at.x / this.#bitmap.width, y: at.y / this.#bitmap.height });
  }

  #setHere(point: number, mark: Mark): void {
    if (this.#place === undefined) return;
    const labels = setMark(this.#labels, this.#place, point, mark);
    this.#chosen = mark === undefined ? point : firstOpen(marksAt(labels, this.#place));
    this.#change(labels);
  }

  #hide(point: number): void {
    this.#setHere(point, this.#marks[point] === null ? undefined : null);
  }

  /** A click on the picture. */
  #placePoint(at: Point): void {
    const [marks, place, { now }] = [this.#marks, this.#place, this.#history];
    if (place === undefined) return;
    const chosen = this.#chosen;
    const open = chosen !== undefined && !marks[chosen] ? chosen : firstOpen(marks);
    if (open !== undefined) this.#put(open, at);
    else if (now.frames.some((one) => !isSame(one, place))) {
      page.hint.textContent =
        'All points of this frame are placed. “Add a point” makes one more, in all frames.';
    } else {
      // Adding and placing is one step back.
      const { past } = this.#history;
      this.#history = { ...this.#history, now: addPoint(now) };
      this.#put(now.names.length, at);
      this.#history = { ...this.#history, past: [...past, now] };
      this.show();
    }
  }

  #choose(point: number): void {
    this.#chosen = point;
    const isByKey = document.activeElement?.matches(':focus-visible') === true;
    if (!this.#marks[point] && this.#bitmap !== undefined && isByKey) {
      // By keyboard there is no click on the picture: it begins in the middle, arrow keys move it.
      this.#put(point, { x: this.#bitmap.width / 2, y: this.#bitmap.height / 2 });
    } else this.show();
    if (this.#marks[point]) this.#surface.focus(point);
  }

  addPoint(): void {
    this.#chosen = this.#labels.names.length;
    this.#change(addPoint(this.#labels));
  }

  clear(): void {
    if (this.#place === undefined) return;
    this.#change(
      withMarks(
        this.#labels,
        this.#place,
        this.#labels.names.map(() => undefined),
      ),
    );
  }

  guess(): void {
    this.#queue(async () => {
      const [labels, place] = [this.#labels, this.#place];
      if (this.#host.guess === undefined || place === undefined) return;
      const guesses = await this.#host.guess(labels, await this.#likeness.nearest(labels, place), place);
      // What somebody has placed or hidden stays.
      const filled = marksAt(labels, place).map((mark, point) => {
        const found = guesses[point];
        return mark === undefined && found !== undefined ? { x: found.x, y: found.y } : mark;
      });
      this.#chosen = firstOpen(filled);
      this.#change(withMarks(labels, place, filled));
      page.hint.textContent = guesses.every((found) => found === undefined)
        ? 'The model does not find the object in this frame: place the points by hand.'
        : `Guessed with a confidence of ${meanConfidence(guesses).toFixed(2)}: drag to where each point belongs.`;
    }, 'Guessing');
  }

  suggest(): void {
    this.#queue(async () => {
      const found = await suggestNext(this.#host, this.#likeness, this.#labels);
      if (found === undefined) {
        page.hint.textContent = 'The frames that were looked at are all labelled.';
        return;
      }
      const { place, confidence } = found;
      this.#wanted = place;
      await this.#read();
      page.hint.textContent =
        confidence === undefined
          ? `${placeName(place)} is most unlike the labelled ones.`
          : `${placeName(place)}: unlike the labelled ones, and the model is unsure (${confidence.toFixed(2)}).`;
    }, 'Looking for a frame');
  }

  /** Goes on from a file of points. */
  load(text: string, name: string): void {
    this.#change(fromFile(parsePointsFile(text, name), (clip) => this.#clip(clip)));
    this.#savedText = this.#text;
    this.#chosen = firstOpen(this.#marks);
    this.show();
  }

  take(files: readonly File[]): void {
    this.#queue(async () => {
      for (const file of files) {
        if (file.name.toLowerCase().endsWith('.json')) this.load(await file.text(), file.name);
        else if (this.#host.open === undefined)
          throw new Error('Start dve label with this video to label it.');
        else await this.#host.open([file]);
      }
    }, 'Opening');
  }

  save(): void {
    this.#queue(async () => {
      const text = this.#text;
      const open = this.#labels.frames.filter(({ marks }) => marks.includes(undefined)).length;
      const about =
        open === 0 ? '' : ` Frames with points that are not placed: ${open}; these are saved as hidden.`;
      if (this.#host.save === undefined) download(text);
      const where = this.#host.save === undefined ? '' : ` as ${await this.#host.save(text)}`;
      this.#savedText = text;
      page.saved.textContent = `Saved${where}.${about}`;
    });
  }
}

const connectFiles = (labelling: Labelling, host: LabelHost): void => {
  page.open.hidden = page.more.hidden = host.open === undefined;
  if (host.open === undefined) page.emptyText.textContent = 'Reading the video …';
  for (const button of [page.open, page.more]) {
    button.addEventListener('click', () => {
      choose(everything);
    });
  }
  page.import.addEventListener('click', () => {
    choose('.json');
  });
  page.files.addEventListener('change', () => {
    labelling.take([...(page.files.files ?? [])]);
  });
  onDrop(page.work, (files) => {
    labelling.take([...files]);
  });
  addEventListener('beforeunload', (event) => {
    if (!labelling.isSaved) event.preventDefault();
  });
};

const connectKeys = (labelling: Labelling): void => {
  addEventListener('keydown', (event) => {
    if (event.target instanceof HTMLInputElement && event.target.type === 'text') return;
    if (event.ctrlKey || event.metaKey) {
      if (event.key.toLowerCase() !== 'z') return;
      event.preventDefault();
      if (event.shiftKey) labelling.redo();
      else labelling.undo();
    } else if (event.key === ',') labelling.step(-1);
    else if (event.key === '.') labelling.step(1);
  });
};

const connectButtons = (labelling: Labelling): void => {
  const actions: [HTMLButtonElement, () => void][] = [
    [
      page.previous,
      () => {
        labelling.step(-1);
      },
    ],
    [
      page.next,
      () => {
        labelling.step(1);
      },
    ],
    [
      page.guess,
      () => {
        labelling.guess();
      },
    ],
    [
      page.suggest,
      () => {
        labelling.suggest();
      },
    ],
    [
      page.undo,
      () => {
        labelling.undo();
      },
    ],
    [
      page.redo,
      () => {
        labelling.redo();
      },
    ],
    [
      page.clear,
      () => {
        labelling.clear();
      },
    ],
    [
      page.add,
      () => {
        labelling.addPoint();
      },
    ],
    [
      page.export,
      () => {
        labelling.save();
      },
    ],
    [
      page.noticeClose,
      () => {
        showProblem();
      },
    ],
  ];
  for (const [button, action] of actions) button.addEventListener('click', action);
  page.clip.addEventListener('change', () => {
    labelling.openClip(page.clip.value);
  });
  page.seek.addEventListener('input', () => {
    labelling.seek(Number(page.seek.value));
  });
};

/** Shows the page. @param host where frames come from */
export const startLabelling = async (host: LabelHost): Promise<void> => {
  const labelling = new Labelling(host);
  connectFiles(labelling, host);
  connectKeys(labelling);
  connectButtons(labelling);
  host.onClips(() => {
    labelling.begin();
  });
  labelling.begin();
  const start = await host.start?.();
  if (start !== undefined) labelling.load(start, 'points.json');
  labelling.show();
};
