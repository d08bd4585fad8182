import { InputError } from '../errors.ts';
import { arkitName, type Expressions } from './expression-names.ts';
import { createMeshBuilder, type FaceMesh } from './face-mesh.ts';
import { parseFaceModel } from './face-model.ts';

/** The 3-D face by itself, to be posed by hand: for previews, samples and tests. */
export type PosedFace = {
  /** Its `positions` are filled by `setExpressions`; its `points` are not. */ mesh: FaceMesh;
  /** @param expressions ARKit's names, 0–1; those that are left out are 0 */
  setExpressions(expressions: Partial<Expressions>): void;
};

/**
 * Makes a face at rest.
 * @param file content of `models/face/face.bin`
 * @param identity who it is: weights of the face's identity modes, N(0, 1) over people, at most as many as it has (24).
 * Default: the mean person
 * @throws ModelError for a file that is no such one; InputError for more weights than there are modes
 */
export const createPosedFace = (
  file: ArrayBuffer | Uint8Array,
  identity: readonly number[] = [],
): PosedFace => {
  const face = parseFaceModel(file);
  if (identity.length > face.modes) {
    throw new InputError(
      `createPosedFace() was given ${identity.length} weights, but the face has ${face.modes} identity modes. Pass at most ${face.modes}.`,
    );
  }
  const builder = createMeshBuilder(face);
  builder.setIdentity(identity);
  const placement = {
    rotation: Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1),
    translation: Float64Array.of(0, 0, -60),
  };
  const names = face.expressionNames.map(arkitName);
  return {
    mesh: builder.mesh,
    setExpressions: (expressions) => {
      const weights = names.map((name) => (name === undefined ? 0 : (expressions[name] ?? 0)));
      builder.fill(weights, placement, { focalLength: 1, width: 1, height: 1 });
    },
  };
};
