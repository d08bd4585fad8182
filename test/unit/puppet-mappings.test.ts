import { describe, expect, test } from 'vitest';
import { PerspectiveCamera, Vector3 } from 'three';
import { InputError } from '../../src/errors.ts';
import {
  createPosedFace,
  createPuppet,
  toFaceLandmarker,
  toKalidoKit,
  toLive2d,
  toVrm,
  type Expressions,
  type PuppetFace,
} from '../../src/puppet/index.ts';
import { neutralExpressions } from '../../src/puppet/expression-names.ts';
import { rotationOfVector } from '../../src/puppet/solid-rotation.ts';
import { createFaceObject, createHeadObject, driveVrm, fitCamera } from '../../src/three/index.ts';
import { frameSize, inputOf, nothingAt, puppetFiles } from '../fixtures/puppet-files.ts';

const turned = { rotation: rotationOfVector(0, 0.3, 0), translation: Float64Array.of(4, 3, -60) };
const smiling = { mouthSmileLeft: 0.5, mouthSmileRight: 0.5, eyeBlinkLeft: 0.75 };
/** A face whose pose is found, and whose expressions are given. */
const tracked = (
  expressions: Partial<Expressions> = smiling,
): PuppetFace & { status: 'tracking'; timestamp: number } => {
  const result = createPuppet(puppetFiles()).update(inputOf(turned, 0));
  if (result.status !== 'tracking') throw new Error('no face');
  return { ...result, expressions: { ...neutralExpressions(), ...expressions }, status: 'tracking' };
};

describe('a face in the words of other software', () => {
  test('VRM: presets of emotions, lids and vowels, and ARKit’s names as custom ones', () => {
    const { presets, custom } = toVrm(tracked().expressions);
    expect(presets.happy).toBeCloseTo(0.5, 2);
    expect(presets.blinkLeft).toBeCloseTo(0.75, 2);
    expect(presets.blinkRight).toBe(0);
    expect(custom.mouthSmileLeft).toBeCloseTo(0.5, 2);
    const { aa, ou } = toVrm(tracked({ jawOpen: 0.8 }).expressions).presets;
    expect(aa).toBeGreaterThan(0.8);
    expect(ou).toBe(0);
    expect(toVrm(tracked({ mouthPucker: 0.9 }).expressions).presets.ou).toBeGreaterThan(0.8);
  });

  test('KalidoKit: radians, degrees, the place in the picture, open eyes', () => {
    const face = tracked();
    const { head, eye } = toKalidoKit(face);
    expect(head.degrees.y).toBeCloseTo(face.pose.angles.yaw, 6);
    expect(head.y).toBeCloseTo((head.degrees.y * Math.PI) / 180, 6);
    expect(head.position.x).toBeGreaterThan(frameSize.width / 2);
    expect(head.position.y).toBeLessThan(frameSize.height / 2);
    expect(eye.l).toBeCloseTo(0.25, 2);
    expect(eye.r).toBe(1);
  });

  test('Live2D: angles in degrees within ±30, lids, form of the mouth', () => {
    const parameters = toLive2d(tracked());
    expect(parameters.ParamAngleX).toBeCloseTo(17.2, -0.5);
    expect(parameters.ParamEyeLOpen).toBeCloseTo(0.25, 2);
    expect(parameters.ParamMouthForm).toBeCloseTo(0.5, 2);
  });

  test('MediaPipe: 468 points where the face is, blendshapes in its order, the matrix', () => {
    const face = tracked();
    const { faceLandmarks, faceBlendshapes, facialTransformationMatrixes } = toFaceLandmarker(
      face,
      frameSize,
    );
    const [points] = faceLandmarks;
    expect(points).toHaveLength(468);
    const [input] = inputOf(turned, 0).objects;
    const landmark = (name: string) => {
      const { x = NaN, y = NaN } = input.landmarks.find((one) => one.name === name) ?? {};
      return { x, y };
    };
    // Tip of the nose, outer corners of the eyes (subject's right, left), corners of the mouth, chin: facts of its numbering.
    for (const [index, name] of [
      [1, 'nose-bridge-4'],
      [33, 'right-eye-1'],
      [263, 'left-eye-4'],
      [61, 'outer-lips-1'],
      [291, 'outer-lips-7'],
      [152, 'jaw-9'],
    ] as const) {
      const { x, y } = landmark(name);
      const away = Math.hypot(points[index].x * frameSize.width - x, points[index].y * frameSize.height - y);
      expect({ name, isNear: away < 12 }).toEqual({ name, isNear: true });
    }
    // The nose is nearer than the corners of the eyes.
    expect(points[1].z).toBeLessThan(points[33].z);
    const [{ categories }] = faceBlendshapes;
    expect(categories).toHaveLength(52);
    expect(categories[0].categoryName).toBe('_neutral');
    expect(categories.find(({ categoryName }) => categoryName === 'eyeBlinkLeft')?.score).toBeCloseTo(
      0.75,
      2,
    );
    expect(facialTransformationMatrixes[0].data).toEqual([...face.pose.matrix]);
    expect(toFaceLandmarker(undefined, frameSize).faceLandmarks).toEqual([]);
  });
});

describe('three.js', () => {
  test('a camera that fits the video projects the head where it was seen', () => {
    const face = tracked({});
    const camera = new PerspectiveCamera();
    fitCamera(camera, frameSize, frameSize, 48);
    camera.updateMatrixWorld();
    const head = createFaceObject(face.mesh);
    head.update(face);
    head.object.updateMatrixWorld(true);
    for (const v of face.mesh.landmarks) {
      const at = new Vector3()
        .fromArray(face.mesh.positions, 3 * v)
        .applyMatrix4(head.object.matrixWorld)
        .project(camera);
      expect(((at.x + 1) / 2) * frameSize.width).toBeCloseTo(face.mesh.points[2 * v], 1);
      expect(((1 - at.y) / 2) * frameSize.height).toBeCloseTo(face.mesh.points[2 * v + 1], 1);
    }
    head.dispose();
    expect(head.object.parent).toBeNull();
  });

  test.each([
    ['contain', { width: 480, height: 480 }, 61.4],
    ['cover', { width: 480, height: 480 }, 48],
    ['cover', { width: 960, height: 480 }, 33.1],
    ['contain', { width: 960, height: 480 }, 48],
  ] as const)('%s in a canvas of %o: %f degrees', (fit, canvas, degrees) => {
    const camera = new PerspectiveCamera();
    fitCamera(camera, frameSize, canvas, 48, fit);
    expect(camera.fov).toBeCloseTo(degrees, 0);
    expect(camera.aspect).toBeCloseTo(canvas.width / canvas.height, 6);
  });

  test('a head is hidden until there is one', () => {
    const head = createHeadObject();
    const puppet = createPuppet(puppetFiles());
    head.update(puppet.update(nothingAt(0)));
    expect(head.object.visible).toBe(false);
    head.update(puppet.update(inputOf(turned, 1)));
    expect(head.object.visible).toBe(true);
  });

  test('refuses a texture without a size, a huge one, two looks at once, and a VRM that has nothing to move', () => {
    const { mesh } = tracked();
    const texture = (width: number, height: number) => ({ width, height }) as ImageBitmap;
    expect(() => createFaceObject(mesh, { texture: texture(0, 10) })).toThrow(/0×10 pixels shows nothing/);
    expect(() => createFaceObject(mesh, { texture: texture(9000, 10) })).toThrow(/larger than 4096/);
    expect(() =>
      createFaceObject(mesh, {
        texture: texture(8, 8),
        material: createFaceObject(mesh).mask.material as never,
      }),
    ).toThrow(InputError);
    expect(() => {
      driveVrm({}, tracked());
    }).toThrow(/neither expressions nor a humanoid/);
    expect(() => {
      fitCamera(new PerspectiveCamera(), { width: 0, height: 0 }, frameSize, 48);
    }).toThrow(/Wait until the video has a size/);
  });

  test('a VRM gets its own ARKit expressions, or presets where it has none, and turns neck and head', () => {
    const avatar = (known: readonly string[]) => {
      const weights = new Map<string, number>();
      const bones = new Map<string, number[]>();
      return {
        ...{ weights, bones },
        expressionManager: {
          setValue: (name: string, weight: number) => void weights.set(name, weight),
          getExpression: (name: string) => (known.includes(name) ? {} : null),
        },
        humanoid: {
          getNormalizedBoneNode: (bone: string) => ({
            quaternion: { set: (...four: number[]) => void bones.set(bone, four) },
          }),
        },
      };
    };
    const perfect = avatar(['jawOpen', 'eyeBlinkLeft', 'eyeBlinkRight']);
    driveVrm(perfect, tracked(), true);
    expect(perfect.weights.get('eyeBlinkRight')).toBeCloseTo(0.75, 2);
    const simple = avatar(['happy', 'blinkLeft']);
    driveVrm(simple, tracked());
    expect([...simple.weights.keys()].sort()).toEqual(['blinkLeft', 'happy']);
    const half = (bone: string): number => Math.asin(simple.bones.get(bone)?.[1] ?? NaN);
    expect(2 * (half('neck') + half('head'))).toBeCloseTo(0.3, 1);
  });
});

test('a posed face is moved by ARKit’s names', () => {
  const face = createPosedFace(puppetFiles().face);
  face.setExpressions({});
  const chin = 3 * face.mesh.landmarks[8] + 1;
  const shut = face.mesh.positions[chin];
  face.setExpressions({ jawOpen: 1 });
  expect(face.mesh.positions[chin]).toBeLessThan(shut - 1);
});
