/** What may be different in a view of a photographed object. */
import type { RawPicture } from '../../media/raw-picture.ts';

/** How a view differs from the photograph; nothing of it is the photograph itself. */
export type RigChange = {
  /** Turn about the vertical axis, radians; positive turns to the right of the picture. */ yaw: number;
  /** About the horizontal axis, radians; positive looks down. */ pitch: number;
  /** Added to the weights of the fit, by mode. */ identity: ArrayLike<number>;
  /** Added to the weights of the fit, by expression. */ expression: ArrayLike<number>;
  /** Where light is added from, picture axes; its length is how much, 0 none. */ light: readonly [
    number,
    number,
    number,
  ];
  /** Colour of the iris where the photograph does not show it, 0–255. */ iris: readonly [
    number,
    number,
    number,
  ];
  /** A picture of the same size that stands for what lies around the head, where that is replaced. */
  background?: RawPicture;
};
