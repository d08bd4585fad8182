/** The points as a list: names to type, colours, what is hidden in this frame. And the frames that are labelled. */
import { createNameField } from '../shared/name-field.ts';
import {
  renamePoint,
  recolorPoint,
  type LabelledFrame,
  type Labels,
  type Mark,
  type Place,
} from './labels.ts';
import { page } from './page.ts';

export type ListEvents = {
  /** The point that the next click places. */ onChoose: (point: number) => void;
  onChange: (labels: Labels) => void;
  onHide: (point: number) => void;
  onDelete: (point: number) => void;
  onGo: (place: Place) => void;
};

const createButton = (text: string, name: string, onClick: () => void): HTMLButtonElement => {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = text;
  button.setAttribute('aria-label', name);
  button.addEventListener('click', onClick);
  return button;
};

const createNameInput = (labels: Labels, point: number, { onChange }: ListEvents): HTMLInputElement =>
  createNameField(labels.names[point], point, (name) => {
    const renamed = renamePoint(labels, point, name);
    if (renamed !== undefined) onChange(renamed);
    return renamed !== undefined;
  });

const createColorInput = (labels: Labels, point: number, { onChange }: ListEvents): HTMLInputElement => {
  const field = document.createElement('input');
  field.type = 'color';
  field.value = labels.colors[point];
  field.setAttribute('aria-label', `Colour of ${labels.names[point]}`);
  field.addEventListener('change', () => {
    onChange(recolorPoint(labels, point, field.value));
  });
  return field;
};

/** @param marks of the frame that is shown */
export const showList = (
  labels: Labels,
  marks: readonly Mark[],
  chosen: number | undefined,
  events: ListEvents,
): void => {
  const { names } = labels;
  page.listTitle.textContent = names.length === 0 ? 'Points' : `Points (${names.length})`;
  page.list.replaceChildren(
    ...names.map((name, point) => {
      const row = document.createElement('li');
      row.dataset.chosen = String(point === chosen);
      const isHidden = marks[point] === null;
      const choose = createButton(marks[point] ? '●' : isHidden ? '–' : '○', `Place ${name}`, () => {
        events.onChoose(point);
      });
      choose.setAttribute('aria-pressed', String(point === chosen));
      const hide = createButton('Hidden', `${name} is hidden in this frame`, () => {
        events.onHide(point);
      });
      hide.setAttribute('aria-pressed', String(isHidden));
      const remove = createButton('✕', `Delete ${name} from all frames`, () => {
        events.onDelete(point);
      });
      row.append(
        ...[choose, createColorInput(labels, point, events), createNameInput(labels, point, events)],
        ...[hide, remove],
      );
      return row;
    }),
  );
};

export const placeName = ({ clip, frame }: Place): string =>
  frame === undefined ? clip : `${clip}, frame ${frame}`;

const summaryOf = ({ marks }: LabelledFrame): string => {
  const [placed, hidden, open] = [
    marks.filter((mark) => mark).length,
    marks.filter((mark) => mark === null).length,
    marks.filter((mark) => mark === undefined).length,
  ];
  const parts = [`${placed} placed`, hidden > 0 ? `${hidden} hidden` : '', open > 0 ? `${open} to do` : ''];
  return parts.filter((part) => part !== '').join(', ');
};

export const showFrames = (
  { frames }: Labels,
  shown: (frame: LabelledFrame) => boolean,
  { onGo }: ListEvents,
): void => {
  page.framesTitle.textContent = `Labelled frames (${frames.length})`;
  page.frames.replaceChildren(
    ...frames.map((frame) => {
      const row = document.createElement('li');
      const text = `${placeName(frame)}: ${summaryOf(frame)}`;
      const go = createButton(text, `Go to ${text}`, () => {
        onGo(frame);
      });
      go.setAttribute('aria-pressed', String(shown(frame)));
      row.append(go);
      return row;
    }),
  );
};
