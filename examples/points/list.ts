/** The points as a list: names to type, lines to draw, points to take away. */
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

const createNameInput = (marks: Marks, point: number, { onRename }: ListEvents): HTMLInputElement => {
  const field = document.createElement('input');
  field.value = marks.names[point];
  field.setAttribute('aria-label', `Name of point ${point + 1}`);
  field.addEventListener('change', () => {
    const renamed = renamePoint(marks, point, field.value);
    field.setAttribute('aria-invalid', String(renamed === undefined));
    field.setCustomValidity(renamed === undefined ? 'A name that no other point has.' : '');
    field.reportValidity();
    if (renamed !== undefined) onRename(renamed);
  });
  return field;
};

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
