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
 * Makes a face of the mean person.
 * @param file content of `models/face/face.bin`
 * @throws ModelError for a file that is no such one
 */
export const createPosedFace = (file: ArrayBuffer | Uint8Array): PosedFace => {
  const face = parseFaceModel(file);
  const builder = createMeshBuilder(face);
  builder.setIdentity([]);
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
