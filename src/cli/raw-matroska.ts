/**
 * Raw RGB frames as a Matroska stream: the one format that ffmpeg reads from a pipe in which every frame says when it
 * is shown, whatever the rate. https://www.matroska.org/technical/elements.html
 */

/** Units of the timestamps: nanoseconds. */
const timestampScale = 1000;

const uint = (value: number, bytes: number): Buffer => {
  const buffer = Buffer.alloc(bytes);
  if (bytes === 8) buffer.writeBigUInt64BE(BigInt(value));
  else buffer.writeUIntBE(value, 0, bytes);
  return buffer;
};

/** An element: its id, its size in eight bytes, its content. */
const element = (id: number, ...content: readonly Uint8Array[]): Buffer => {
  const idBytes = Math.ceil(Math.log2(id + 1) / 8);
  const length = content.reduce((sum, part) => sum + part.length, 0);
  const size = uint(length, 8);
  size[0] = 0x01;
  return Buffer.concat([uint(id, idBytes), size, ...content]);
};

/** A segment whose end is the end of the stream. */
const endlessSegment = Buffer.from('1853806701ffffffffffffff', 'hex');

/** What the stream starts with. @param width, height pixels */
export const matroskaHead = (width: number, height: number): Buffer =>
  Buffer.concat([
    element(0x1a45dfa3, element(0x4282, Buffer.from('matroska')), element(0x4287, uint(4, 1))),
    endlessSegment,
    element(0x1549a966, element(0x2ad7b1, uint(timestampScale, 4))),
    element(
      0x1654ae6b,
      element(
        0xae,
        ...[element(0xd7, uint(1, 1)), element(0x73c5, uint(1, 1)), element(0x83, uint(1, 1))],
        element(0x86, Buffer.from('V_UNCOMPRESSED')),
        element(
          0xe0,
          ...[element(0xb0, uint(width, 4)), element(0xba, uint(height, 4))],
          element(0x2eb524, Buffer.from([0x52, 0x47, 0x42, 24])),
        ),
      ),
    ),
  ]);

/** One frame. @param timestamp seconds, from 0 on @param rgb (height, width, 3) */
export const matroskaFrame = (timestamp: number, rgb: Uint8Array): Buffer =>
  element(
    0x1f43b675,
    element(0xe7, uint(Math.max(0, Math.round((timestamp * 1e9) / timestampScale)), 8)),
    element(0xa3, Buffer.from([0x81, 0, 0, 0x80]), rgb),
  );
