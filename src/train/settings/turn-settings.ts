/** Out-of-plane views: settings. */
export type TurnSettings = {
  /** Share of the pairs of a batch that are a still and one of its turned views, 0–1. */ share: number;
  /** Turned views of each picture. */ perPicture: number;
  /** Greatest turn about the vertical axis, either way, degrees. */ yaw: number;
  /** Greatest turn about the horizontal axis, either way, degrees. */ pitch: number;
  /** Side of the pictures in the pool, pixels. */ side: number;
};

export const defaultTurns: TurnSettings = { share: 0.5, perPicture: 3, yaw: 50, pitch: 28, side: 160 };
