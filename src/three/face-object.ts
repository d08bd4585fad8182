import {
  BufferAttribute,
  BufferGeometry,
  DynamicDrawUsage,
  Group,
  Matrix4,
  Mesh,
  MeshBasicMaterial,
  SRGBColorSpace,
  Texture,
  type Material,
} from 'three';
import { InputError } from '../errors.ts';
import type { FaceMesh } from '../puppet/face-mesh.ts';
import type { PuppetResult } from '../puppet/puppet.ts';

/** Follows a head: what is added to it, in cm, moves along; hidden while there is none. */
export type HeadObject = {
  /** To be added to a scene; origin and axes as in `HeadPose`. */ object: Group;
  /** Takes over what is known of a frame. */ update(result: PuppetResult): void;
  /** Frees what it has on the GPU; what others have added to it is theirs. */ dispose(): void;
  [Symbol.dispose](): void;
};

/** Options of {@link createFaceObject}. */
export type FaceObjectOptions = {
  /** What the mask is painted with: a picture or canvas laid out by `FaceMesh.uv`. */
  texture?: TexImageSource;
  /** Instead of a texture. It stays the caller's: `dispose` leaves it alone. */ material?: Material;
  /** 0–1. Default 1. */ opacity?: number;
  /** Greatest side of a texture, pixels. Default 4096. */ greatestTexture?: number;
};

/** A head with the mask on it and what hides that which is behind it. */
export type FaceObject = HeadObject & {
  /** The mask. */ mask: Mesh;
  /** Is drawn into the depth buffer alone, before everything else. */ occluder: Mesh;
  /** Shows another picture, or this one anew after it was painted on. */ setTexture(
    texture: TexImageSource,
  ): void;
};

const sizeOf = (source: TexImageSource): { width: number; height: number } => {
  if ('videoWidth' in source) return { width: source.videoWidth, height: source.videoHeight };
  if ('displayWidth' in source) return { width: source.displayWidth, height: source.displayHeight };
  return { width: source.width, height: source.height };
};

const checkTexture = (source: TexImageSource, greatest: number): TexImageSource => {
  const { width, height } = sizeOf(source);
  if (!(width > 0 && height > 0)) {
    throw new InputError(
      `A texture of ${width}×${height} pixels shows nothing. Wait until the picture has loaded.`,
    );
  }
  if (width > greatest || height > greatest) {
    throw new InputError(
      `A texture of ${width}×${height} pixels is larger than ${greatest}×${greatest}. Draw it smaller, or raise greatestTexture if every GPU that matters can.`,
    );
  }
  return source;
};

const follow = (object: Group, result: PuppetResult): void => {
  object.visible = result.status !== 'searching';
  if (result.status === 'searching') return;
  object.matrix.copy(new Matrix4().fromArray(result.pose.matrix));
  object.matrixWorldNeedsUpdate = true;
};

const createGroup = (): Group => {
  const object = new Group();
  object.matrixAutoUpdate = false;
  object.visible = false;
  return object;
};

/** An empty object that follows the head; hats and glasses are added to it. */
export const createHeadObject = (): HeadObject => {
  const object = createGroup();
  const dispose = (): void => {
    object.removeFromParent();
  };
  return {
    object,
    update: (result) => {
      follow(object, result);
    },
    ...{ dispose, [Symbol.dispose]: dispose },
  };
};

const geometryOf = (positions: Float32Array, index: Uint16Array): BufferGeometry => {
  const geometry = new BufferGeometry();
  geometry.setAttribute('position', new BufferAttribute(positions, 3).setUsage(DynamicDrawUsage));
  geometry.setIndex(new BufferAttribute(index, 1));
  return geometry;
};

/** Sets attributes to a mesh's arrays, which are the same every frame. */
const fill = (geometry: BufferGeometry, positions: Float32Array): void => {
  const attribute = geometry.getAttribute('position') as BufferAttribute;
  if (attribute.array !== positions) attribute.array = positions;
  attribute.needsUpdate = true;
  geometry.computeVertexNormals();
  geometry.boundingSphere = null;
};

/**
 * Mask and occluder of a face, and an object that follows the head.
 * @param mesh of any result of the puppet
 * @throws InputError for a texture without a size, or a huge one, or both a texture and a material
 */
export const createFaceObject = (mesh: FaceMesh, options: FaceObjectOptions = {}): FaceObject => {
  const { material, texture, opacity = 1, greatestTexture = 4096 } = options;
  if (material !== undefined && texture !== undefined) {
    throw new InputError(
      'createFaceObject() got a texture and a material. Pass one, or put the texture into the material.',
    );
  }
  const object = createGroup();
  const map = new Texture();
  map.flipY = false;
  map.colorSpace = SRGBColorSpace;
  const own = new MeshBasicMaterial({ map, transparent: true, opacity });
  const geometry = geometryOf(mesh.positions, mesh.index);
  geometry.setAttribute('uv', new BufferAttribute(mesh.uv, 2));
  const mask = new Mesh(geometry, material ?? own);
  const depthOnly = new MeshBasicMaterial({ colorWrite: false });
  const back = geometryOf(mesh.occluder.positions, mesh.occluder.index);
  const occluder = new Mesh(back, depthOnly);
  occluder.renderOrder = -1;
  mask.frustumCulled = occluder.frustumCulled = false;
  // A hair behind the mask, which must not be hidden by what is coarser than it.
  depthOnly.polygonOffset = true;
  depthOnly.polygonOffsetFactor = 4;
  depthOnly.polygonOffsetUnits = 4;
  object.add(occluder, mask);
  const setTexture = (source: TexImageSource): void => {
    map.image = checkTexture(source, greatestTexture);
    map.needsUpdate = true;
    mask.visible = true;
  };
  mask.visible = material !== undefined;
  if (texture !== undefined) setTexture(texture);
  const dispose = (): void => {
    object.removeFromParent();
    for (const one of [geometry, back, own, depthOnly, map]) one.dispose();
  };
  return {
    ...{ object, mask, occluder, setTexture, dispose, [Symbol.dispose]: dispose },
    update: (result) => {
      follow(object, result);
      if (result.status === 'searching') return;
      fill(geometry, result.mesh.positions);
      fill(back, result.mesh.occluder.positions);
    },
  };
};
