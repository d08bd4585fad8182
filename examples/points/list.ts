/** The points as a list: names to type, lines to draw, points to take away. */
import { createNameField } from '../shared/name-field.ts';
import { renamePoint, type Marks } from './marks.ts';
import { page } from './page.ts';

export type ListEvents = {
  onRename: (marks: Marks) => void;
  onConnect: (point: number) => void;
  onDelete: (point: number) => void;
};

const createButton = (text: string, name: string, onClick: () => void): HTMLButtonElement => {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = text;
  button.setAttribute('aria-label', name);
  button.addEventListener('click', onClick);
  return button;
};

const createNameInput = (marks: Marks, point: number, { onRename }: ListEvents): HTMLInputElement =>
  createNameField(marks.names[point], point, (name) => {
    const renamed = renamePoint(marks, point, name);
    if (renamed !== undefined) onRename(renamed);
    return renamed !== undefined;
  });

/** @param connecting the point that waits for the other end of its line */
export const showList = (marks: Marks, connecting: number | undefined, events: ListEvents): void => {
  const isFixed = marks.pictures.length === 0;
  page.listTitle.textContent = marks.names.length === 0 ? 'Points' : `Points (${marks.names.length})`;
  page.list.replaceChildren(
    ...marks.names.map((name, point) => {
      const row = document.createElement('li');
      const number = document.createElement('b');
      number.textContent = String(point + 1);
      const connect = createButton(
        connecting === undefined ? 'Line' : connecting === point ? 'Cancel' : 'To here',
        connecting === undefined ? `Line from ${name}` : `Line to ${name}`,
        () => {
          events.onConnect(point);
        },
      );
      connect.setAttribute('aria-pressed', String(connecting === point));
      const remove = createButton('Delete', `Delete ${name}`, () => {
        events.onDelete(point);
      });
      // What came from a file has no picture to be made anew from.
      remove.disabled = isFixed;
      row.append(number, createNameInput(marks, point, events), connect, remove);
      return row;
    }),
  );
};
