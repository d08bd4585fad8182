/** Finding a page's elements, each checked once: a missing one is a mistake in its index.html. */
export const element = <Kind extends Element>(id: string, kind: new () => Kind): Kind => {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`index.html has no ${kind.name} #${id}`);
  return found;
};

export const button = (id: string): HTMLButtonElement => element(id, HTMLButtonElement);
export const input = (id: string): HTMLInputElement => element(id, HTMLInputElement);
export const box = (id: string): HTMLElement => element(id, HTMLElement);

/** Which of a group of radio buttons is chosen; empty where none is. */
export const chosen = (name: string): string => {
  const found = document.querySelector(`input[name="${name}"]:checked`);
  return found instanceof HTMLInputElement ? found.value : '';
};
