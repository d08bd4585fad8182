/** What is painted on a picture of a face, brought to the live one by dense correspondence: no mesh, any kind of object. */
import type { LiveCorrespondence, Tracking } from 'dve-sdk';
import { cellPlace, splineMap, type Correspondence } from 'dve-sdk/pictures';
import type { PaintedMesh } from '../shared/mesh-painter.ts';

/** Cells that are drawn, along each side of the reference's square. */
const cells = 20;

const index = Uint16Array.from({ length: 6 * cells * cells }, (_, i) => {
  const at = Math.floor(i / 6);
  const corner = Math.floor(at / cells) * (cells + 1) + (at % cells);
  return corner + [0, cells + 1, 1, 1, cells + 1, cells + 2][i % 6];
});

/** The reference's square where the field takes it, smoothly. @param side of the reference picture, pixels */
const meshOf = (field: Correspondence, side: number): Omit<PaintedMesh, 'texture'> => {
  const count = 2 * (cells + 1) ** 2;
  const [points, uv] = [new Float32Array(count), new Float32Array(count)];
  const map = splineMap(field);
  for (let i = 0; i < count; i += 2) {
    const [column, row] = [(i / 2) % (cells + 1), Math.floor(i / 2 / (cells + 1))];
    const place = cellPlace(field, (column / cells) * (field.columns - 1), (row / cells) * (field.rows - 1));
    const to = map(place) ?? place;
    points.set([to.x, to.y], i);
    uv.set([place.x / side, place.y / side], i);
  }
  return { points, uv, index, culled: false };
};

type Opened = { tracking: Tracking; live?: LiveCorrespondence; error?: Error };

const open = (tracking: Tracking, picture: HTMLCanvasElement): Opened => {
  const opened: Opened = { tracking };
  // The spline evens out what is matched roughly: all that comes home helps it.
  tracking.correspondence({ picture }, { roughness: 1 }).then(
    (live) => {
      opened.live = live;
    },
    (error: unknown) => {
      opened.error = error instanceof Error ? error : new Error('The picture cannot be matched.');
    },
  );
  return opened;
};

/** Matches one reference picture with whatever is tracked. */
export const createDenseMask = () => {
  let reference: HTMLCanvasElement | undefined;
  let opened: Opened | undefined;
  return {
    /** @param picture square, of a face */
    setReference: (picture: HTMLCanvasElement): void => {
      reference = picture;
      opened = undefined;
    },
    /**
     * @returns undefined until both faces are seen
     * @throws what is wrong with the reference, once
     */
    meshIn: async (tracking: Tracking): Promise<Omit<PaintedMesh, 'texture'> | undefined> => {
      if (reference === undefined) return undefined;
      if (opened?.tracking !== tracking) opened = open(tracking, reference);
      const { live, error } = opened;
      if (error !== undefined) {
        // A picture without a face is of no use in the next attempt either.
        reference = undefined;
        throw error;
      }
      const seen = (await live?.fields())?.at(0);
      // Too little of the reference is seen: nothing is drawn, rather than anything.
      const isSeen = seen !== undefined && seen.field.mutual.reduce((sum, is) => sum + is, 0) > 30;
      return isSeen ? meshOf(seen.field, reference.width) : undefined;
    },
  };
};
