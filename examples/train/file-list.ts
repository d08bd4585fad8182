import type { SkippedFile } from 'dve-sdk/train';
import { page } from './page.ts';

/** Browsers know no type for every video. */
const videoNames = /\.(mp4|m4v|mov|webm|mkv|avi|mpe?g|ogv)$/i;

export const isVideo = (file: File): boolean => file.type.startsWith('video/') || videoNames.test(file.name);
const isPicture = (file: File): boolean => file.type.startsWith('image/');

const megabytes = (bytes: number): string =>
  bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

const thumbnail = (file: File): HTMLElement => {
  const url = URL.createObjectURL(file);
  if (isVideo(file)) {
    const video = document.createElement('video');
    video.muted = true;
    video.preload = 'metadata';
    video.src = `${url}#t=0.5`;
    video.className = 'thumb';
    return video;
  }
  const image = document.createElement('img');
  image.src = url;
  image.alt = '';
  image.loading = 'lazy';
  image.className = 'thumb';
  // Whether it is a picture after all is told when training starts.
  image.addEventListener('error', () => {
    image.removeAttribute('src');
  });
  return image;
};

const rowOf = (file: File): HTMLLIElement => {
  const row = document.createElement('li');
  const words = document.createElement('div');
  const name = document.createElement('b');
  name.textContent = file.name;
  name.title = file.name;
  const detail = document.createElement('small');
  words.append(name, detail);
  const size = document.createElement('small');
  size.textContent = megabytes(file.size);
  row.append(thumbnail(file), words, size);
  return row;
};

/** What the user dropped. */
export type FileList = {
  readonly files: readonly File[];
  add(files: Iterable<File>): void;
  clear(): void;
  /** Says of each file whether it is used. */ showSkipped(skipped: readonly SkippedFile[]): void;
};

/** @param onChange told when files come or go */
export const createFileList = (onChange: () => void): FileList => {
  let entries: { file: File; row: HTMLLIElement }[] = [];

  const say = (row: HTMLLIElement, text: string, isSkipped: boolean): void => {
    row.classList.toggle('skipped', isSkipped);
    const detail = row.querySelector('div small');
    if (detail !== null) detail.textContent = text;
  };

  const show = (): void => {
    const videos = entries.filter(({ file }) => isVideo(file)).length;
    const parts = [
      ...(videos > 0 ? [`${videos} video${videos === 1 ? '' : 's'}`] : []),
      ...(entries.length > videos
        ? [`${entries.length - videos} picture${entries.length - videos === 1 ? '' : 's'}`]
        : []),
    ];
    page.listTitle.textContent = parts.join(', ');
    page.list.hidden = entries.length === 0;
    page.drop.classList.toggle('is-small', entries.length > 0);
    page.fileRows.replaceChildren(...entries.map(({ row }) => row));
    onChange();
  };

  return {
    get files() {
      return entries.map(({ file }) => file);
    },
    add: (files) => {
      for (const file of files) {
        const isKnown = entries.some(({ file: { name, size } }) => name === file.name && size === file.size);
        if (isKnown) continue;
        const row = rowOf(file);
        say(row, isVideo(file) ? 'Video' : isPicture(file) ? 'Picture' : 'Perhaps a picture', false);
        entries.push({ file, row });
      }
      show();
    },
    clear: () => {
      entries = [];
      show();
    },
    showSkipped: (skipped) => {
      const reasons = new Map(skipped.map(({ name, reason }) => [name, reason]));
      for (const { file, row } of entries) {
        const reason = reasons.get(file.name);
        say(row, reason === undefined ? 'Used' : `Skipped. ${reason}`, reason !== undefined);
      }
      // What needs the user's eye comes first.
      entries.sort((a, b) => Number(reasons.has(b.file.name)) - Number(reasons.has(a.file.name)));
      page.fileRows.replaceChildren(...entries.map(({ row }) => row));
    },
  };
};
