/** A plugin of both rollup and Vite, said without the types of either, which do not quite agree. */
export type TextPlugin = {
  name: string;
  transform(code: string, id: string): { code: string; map: { mappings: '' } } | null;
};

/** Brings `.wgsl` files in as text. */
export const wgslText = (): TextPlugin => ({
  name: 'wgsl-text',
  transform: (code, id) =>
    id.endsWith('.wgsl') ? { code: `export default ${JSON.stringify(code)};`, map: { mappings: '' } } : null,
});
