/** @returns lower-case hex; undefined in pages without https, where browsers have no SHA-256 */
export const sha256Hex = async (bytes: BufferSource): Promise<string | undefined> => {
  const subtle = globalThis.crypto.subtle as SubtleCrypto | undefined;
  if (subtle === undefined) return undefined;
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
};
