/** What the face pages have in common: a picture, where it comes from, and the tracker and puppet behind it. */
import { track, type TrackResult, type Tracking } from 'dve-sdk';
import { loadPuppet, type Puppet, type PuppetResult } from 'dve-sdk/puppet';
import { onDrop } from './drops.ts';
import { box, button, element, input } from './elements.ts';
import { openSampleFace } from './sample-face.ts';
import { openVideo } from './video.ts';

/** From top to bottom of the picture, degrees: for the camera, clips and the sample alike. */
export const fieldOfView = 48;

/** A frame, what was found in it, and where to draw. */
export type StageFrame = {
  frame: VideoFrame;
  result: TrackResult;
  tracking: Tracking;
  face: PuppetResult;
  /** As large as the frame; the frame is drawn already. */ context: CanvasRenderingContext2D;
  width: number;
  height: number;
};

export type Stage = {
  puppet: Puppet;
  canvas: HTMLCanvasElement;
  /** Says something below the picture. */ say: (text: string) => void;
  /** Files that are dropped and are no video. */ onPicture: (take: (picture: File) => void) => void;
};

/** The package's model, beside its built files. */
export const faceUrl = new URL('../../models/face/face.bin', import.meta.url);

/** @param draw told of every frame; what it throws ends the tracking and is shown */
export const openStage = async (draw: (of: StageFrame) => void | Promise<void>): Promise<Stage> => {
  const canvas = element('stage', HTMLCanvasElement);
  const shown = canvas.getContext('2d');
  // What takes a while to draw is not seen half done.
  const behind = document.createElement('canvas');
  const context = behind.getContext('2d');
  const status = box('status');
  const say = (text: string): void => {
    status.textContent = text;
  };
  if (context === null || shown === null) throw new Error('This browser has no 2-D canvas.');
  const puppet = await loadPuppet({ model: '../../models/face/', fieldOfView });
  let tracking: Tracking | undefined;
  let close: () => void = () => undefined;
  let greet: (() => void) | undefined;
  let takePicture: ((picture: File) => void) | undefined;

  const follow = async (source: Parameters<typeof track>[0]): Promise<void> => {
    const mine = track(source, { withFrame: true });
    tracking = mine;
    puppet.reset();
    say('Loading the model …');
    for await (const result of mine) {
      if (tracking !== mine) break;
      const { frame } = result;
      const { displayWidth: width, displayHeight: height } = frame;
      if (behind.width !== width || behind.height !== height) {
        [canvas.width, canvas.height] = [behind.width, behind.height] = [width, height];
      }
      context.drawImage(frame, 0, 0, width, height);
      const face = puppet.update(result);
      if (face.status === 'tracking') greet?.();
      await draw({ frame, result, tracking: mine, face, context, width, height });
      shown.drawImage(behind, 0, 0);
      say(
        face.status === 'tracking'
          ? 'Tracking'
          : face.status === 'searching'
            ? 'Looking for a face …'
            : 'Where has it gone?',
      );
    }
  };
  const start = (open: () => Promise<Parameters<typeof track>[0]>): void => {
    void (async () => {
      close();
      close = () => undefined;
      greet = undefined;
      await tracking?.close();
      try {
        await follow(await open());
      } catch (error) {
        say(error instanceof Error ? error.message : String(error));
      }
    })();
  };
  const openClip = (file: File): void => {
    start(async () => {
      const opened = await openVideo(file);
      ({ close } = opened);
      return opened.video;
    });
  };
  button('camera').onclick = () => {
    start(() => Promise.resolve('camera'));
  };
  button('sample').onclick = () => {
    start(async () => {
      const sample = await openSampleFace(faceUrl);
      close = sample.stop;
      greet = () => setTimeout(sample.move, 1000);
      return sample.stream;
    });
  };
  const take = (files: FileList | null): void => {
    const file = files?.item(0);
    if (file?.type.startsWith('image/') === true) takePicture?.(file);
    else if (file) openClip(file);
  };
  const clip = input('clip');
  clip.onchange = () => {
    take(clip.files);
  };
  onDrop(document.body, take);
  say('Choose what to look at.');
  return {
    ...{ puppet, canvas, say },
    onPicture: (handler) => {
      takePicture = handler;
    },
  };
};

/** Shows what went wrong before there was a stage. */
export const orSay = (error: unknown): void => {
  box('status').textContent = error instanceof Error ? error.message : String(error);
};
