/** Models that were trained in this browser: kept in its own storage, read by the webcam demo. */

/** The files of a model directory by their names. */
export type SavedModel = ReadonlyMap<string, Blob>;

const storeName = 'dve-sdk models';
/** Of an address that leads to no server: the storage wants addresses. */
const addressOf = (model: string, file: string): string =>
  `/saved-models/${encodeURIComponent(model)}/${encodeURIComponent(file)}`;

/** Replaces what is kept under this name. */
export const saveModel = async (
  name: string,
  files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
): Promise<void> => {
  await deleteModel(name);
  const store = await caches.open(storeName);
  for (const [file, content] of files) await store.put(addressOf(name, file), new Response(content));
};

const deleteModel = async (name: string): Promise<void> => {
  const store = await caches.open(storeName);
  for (const request of await store.keys()) {
    if (new URL(request.url).pathname.startsWith(addressOf(name, ''))) await store.delete(request);
  }
};

/** @returns undefined where nothing is kept under this name */
export const readModel = async (name: string): Promise<SavedModel | undefined> => {
  const store = await caches.open(storeName);
  const files = new Map<string, Blob>();
  for (const request of await store.keys()) {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith(addressOf(name, ''))) continue;
    const file = decodeURIComponent(pathname.slice(addressOf(name, '').length));
    const response = await store.match(request);
    if (response !== undefined) files.set(file, await response.blob());
  }
  return files.size === 0 ? undefined : files;
};
