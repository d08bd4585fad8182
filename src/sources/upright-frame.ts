/** Frames of a video element as it shows them: upright and unstretched, on every engine. */

/** Side of the small pictures by which it is told how a frame lies. */
const side = 16;

/** A picture as RGBA, small; of another shape it is stretched. */
const smallOf = (picture: CanvasImageSource): Uint8ClampedArray | undefined => {
  const context = new OffscreenCanvas(side, side).getContext('2d');
  context?.drawImage(picture, 0, 0, side, side);
  return context?.getImageData(0, 0, side, side).data;
};

/** How much two small pictures differ when one is turned by quarters of a turn. */
const difference = (a: Uint8ClampedArray, b: Uint8ClampedArray, quarters: number): number => {
  let sum = 0;
  for (let i = 0; i < side * side; i++) {
    let [x, y] = [i % side, Math.floor(i / side)];
    for (let turn = 0; turn < quarters; turn++) [x, y] = [side - 1 - y, x];
    for (let c = 0; c < 3; c++) sum += Math.abs(a[4 * i + c] - b[4 * (y * side + x) + c]);
  }
  return sum;
};

/** Whether frames of an element come as they are stored, and not as they are shown, once that is known; with its file. */
const lying = new WeakMap<HTMLVideoElement, { file: string; isStored: boolean }>();

/** Firefox gives a video that is to be turned or stretched as it is stored; what it draws is as it should be. */
const isAsStored = (video: HTMLVideoElement, frame: VideoFrame): boolean => {
  const { videoWidth: width, videoHeight: height, currentSrc: file } = video;
  if (video.srcObject !== null) return false;
  if (Math.abs(frame.displayWidth - width) > 1 || Math.abs(frame.displayHeight - height) > 1) return true;
  const known = lying.get(video);
  if (known?.file === file) return known.isStored;
  const [shown, stored] = [smallOf(video), smallOf(frame)];
  if (shown === undefined || stored === undefined) return false;
  const same = difference(shown, stored, 0);
  const turned = Math.min(...[1, 2, 3].map((quarters) => difference(shown, stored, quarters)));
  // What looks alike from two sides tells nothing: such a frame is drawn, and the next is looked at again.
  if (Math.max(same, turned) > 2 * Math.min(same, turned))
    lying.set(video, { file, isStored: same > turned });
  return same >= turned / 2;
};

/** A frame as its element shows it. @param frame of the element, taken over */
export const upright = (video: HTMLVideoElement, frame: VideoFrame): VideoFrame => {
  if (!isAsStored(video, frame)) return frame;
  const { timestamp } = frame;
  frame.close();
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  canvas.getContext('2d')?.drawImage(video, 0, 0);
  return new VideoFrame(canvas, { timestamp });
};
