import { number, whole } from './check-settings.ts';
import type { Rules } from './check-settings.ts';

/** Views drawn by a rig: settings. */
export type RigSettings = {
  /** Share of the pairs of a batch that are two views of one picture, 0–1. */ share: number;
  /** Pairs of views of each picture. */ perPicture: number;
  /** Share of the pairs whose first view is the picture itself, 0–1. */ stillShare: number;
  /** Greatest turn about the vertical axis, either way, degrees; of the object as of the view. */ yaw: number;
  /** About the horizontal axis, likewise. */ pitch: number;
  /** Factor of how often each gesture of the rig occurs, 0–1. */ expression: number;
  /** Change of each identity weight, standard deviation. */ identity: number;
  /** Share of the views with added light, 0–1, and its greatest strength. */ lightShare: number;
  light: number;
  /** Share of the views with another background, 0–1. */ backgroundShare: number;
  /** Greatest error of a fit, of the object's size: pictures with a greater one are left out. */ greatestError: number;
  /** Side of the pictures in the pool, pixels. */ side: number;
};

export const defaultRig: RigSettings = {
  share: 0.5,
  perPicture: 3,
  stillShare: 0.5,
  yaw: 60,
  pitch: 35,
  expression: 0.6,
  identity: 0.3,
  lightShare: 0.6,
  light: 0.5,
  backgroundShare: 0.35,
  greatestError: 0.035,
  side: 160,
};

export const rigRules: Rules<RigSettings> = {
  share: number(0, 1, 'Share of the pairs that are two views of one picture.'),
  perPicture: whole(1, 1000, 'Pairs of views of each picture.'),
  stillShare: number(0, 1, 'Share of these pairs whose first view is the picture itself.'),
  yaw: number(0, 80, 'Greatest turn about the vertical axis, either way, degrees.'),
  pitch: number(0, 80, 'Greatest turn about the horizontal axis, either way, degrees.'),
  expression: number(0, 1, 'Factor of how often each gesture of the rig occurs.'),
  identity: number(0, 2, 'Change of each identity weight: standard deviation.'),
  lightShare: number(0, 1, 'Share of views with added light.'),
  light: number(0, 2, 'Greatest strength of added light, natural logarithm.'),
  backgroundShare: number(0, 1, 'Share of views with another background.'),
  greatestError: number(0.001, 1, 'Pictures whose fit is worse are left out, of the object’s size.'),
  side: whole(32, 512, 'Side of the pictures that views are drawn of, pixels.'),
};
