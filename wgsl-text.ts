/** A plugin of both rollup and Vite, said without the types of either, which do not quite agree. */
export type TextPlugin = {
  name: string;
  transform(code: string, id: string): { code: string; map: { mappings: '' } } | null;
};

/** A shader without its comments, and without spaces where no two words meet: what is left is what pages fetch. */
export const compactWgsl = (source: string): string =>
  source
    .replaceAll(/\/\/.*$/gm, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?([^\w +-]) ?/g, '$1')
    .trim();

/** Brings `.wgsl` files in as text. */
export const wgslText = (): TextPlugin => ({
  name: 'wgsl-text',
  transform: (code, id) =>
    id.endsWith('.wgsl')
      ? { code: `export default ${JSON.stringify(compactWgsl(code))};`, map: { mappings: '' } }
      : null,
});
