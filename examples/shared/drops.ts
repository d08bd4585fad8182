/**
 * Takes files that are dropped anywhere on the page.
 * @param cover has the class `is-dropping` while something is dragged over the page, if it is taken
 * @param mayDrop whether files are taken just now
 */
export const onDrop = (
  cover: HTMLElement,
  take: (files: FileList) => void,
  mayDrop: () => boolean = () => true,
): void => {
  // The page's elements are entered and left one by one.
  let depth = 0;
  const drag = (event: DragEvent, change: number): void => {
    event.preventDefault();
    depth = Math.max(0, depth + change);
    cover.classList.toggle('is-dropping', depth > 0 && mayDrop());
  };
  addEventListener('dragenter', (event) => {
    drag(event, 1);
  });
  addEventListener('dragleave', (event) => {
    drag(event, -1);
  });
  addEventListener('dragover', (event) => {
    event.preventDefault();
  });
  addEventListener('drop', (event) => {
    drag(event, -depth);
    const files = event.dataTransfer?.files;
    if (files !== undefined && files.length > 0 && mayDrop()) take(files);
  });
};
