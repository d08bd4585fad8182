/** The real @pixiv/three-vrm, driven by a face: an avatar made here of its own classes. */
import { Group, Mesh, Object3D } from 'three';
import { describe, expect, test } from 'vitest';
import { createPuppet, type Expressions, type PuppetResult } from '../../src/puppet/index.ts';
import { rotationOfVector } from '../../src/puppet/solid-rotation.ts';
import { driveVrm, type VrmLike } from '../../src/three/index.ts';
import { inputOf, puppetFiles } from '../fixtures/puppet-files.ts';

/** What is used of it here. */
type Library = {
  VRM: new (parts: object) => VrmLike & { update(seconds: number): void };
  VRMHumanoid: new (bones: Record<string, { node: Object3D }>) => NonNullable<VrmLike['humanoid']>;
  VRMExpressionManager: new () => NonNullable<VrmLike['expressionManager']> & {
    registerExpression(expression: object): void;
    getValue(name: string): number | null;
  };
  VRMExpression: new (name: string) => { addBind(bind: object): void };
  VRMExpressionMorphTargetBind: new (of: { primitives: Mesh[]; index: number; weight: number }) => object;
};

const name = '@pixiv/three-vrm';
const library = await import(/* @vite-ignore */ name).then(
  (module: unknown) => module as Library,
  () => undefined,
);

const bones = ['hips', 'spine', 'chest', 'neck', 'head'];
const limbs = ['UpperLeg', 'LowerLeg', 'Foot', 'UpperArm', 'LowerArm', 'Hand'];

/** An avatar with some expressions, each a morph target of its one mesh. */
const createAvatar = (expressions?: readonly string[]) => {
  if (library === undefined) throw new Error(`${name} is not installed`);
  const { VRM, VRMHumanoid, ...of } = library;
  const scene = new Group();
  const nodes: Record<string, { node: Object3D }> = {};
  let parent: Object3D = scene;
  for (const bone of bones) {
    const node = new Object3D();
    node.position.y = 0.2;
    parent.add(node);
    parent = node;
    nodes[bone] = { node };
  }
  for (const bone of limbs.flatMap((limb) => [`left${limb}`, `right${limb}`])) {
    const node = new Object3D();
    scene.add(node);
    nodes[bone] = { node };
  }
  const mesh = new Mesh();
  mesh.morphTargetInfluences = expressions?.map(() => 0) ?? [];
  scene.add(mesh);
  const humanoid = new VRMHumanoid(nodes);
  const manager = expressions === undefined ? undefined : new of.VRMExpressionManager();
  expressions?.forEach((expressionName, index) => {
    const expression = new of.VRMExpression(expressionName);
    expression.addBind(new of.VRMExpressionMorphTargetBind({ primitives: [mesh], index, weight: 1 }));
    manager?.registerExpression(expression);
  });
  const meta = { metaVersion: '1' };
  const vrm = new VRM({ scene, meta, humanoid, ...(manager && { expressionManager: manager }) });
  return { vrm, head: nodes.head.node, influences: mesh.morphTargetInfluences };
};

const turned = { rotation: rotationOfVector(0, 0.3, 0), translation: Float64Array.of(0, 0, -60) };
const faceWith = (expressions: Partial<Expressions>): PuppetResult => {
  const result = createPuppet(puppetFiles()).update(inputOf(turned, 0));
  if (result.status === 'searching') throw new Error('no face');
  return { ...result, expressions: { ...result.expressions, ...expressions } };
};

describe.skipIf(library === undefined)('an avatar of three-vrm', () => {
  test('with ARKit’s expressions does what the face does', () => {
    const { vrm, influences } = createAvatar(['jawOpen', 'eyeBlinkLeft', 'mouthSmileLeft']);
    expect(driveVrm(vrm, faceWith({ jawOpen: 0.6, eyeBlinkLeft: 1, mouthSmileLeft: 0.25 }))).toEqual({
      ...{ expressions: 'arkit', hasHead: true },
    });
    vrm.update(1 / 30);
    [0.6, 1, 0.25].forEach((weight, i) => {
      expect(influences[i]).toBeCloseTo(weight, 5);
    });
  });

  test('with presets alone has these, and turns its head in the world', () => {
    const { vrm, influences, head } = createAvatar(['happy', 'blinkLeft', 'aa']);
    const face = faceWith({ mouthSmileLeft: 0.8, mouthSmileRight: 0.8, eyeBlinkLeft: 1, jawOpen: 0 });
    expect(driveVrm(vrm, face).expressions).toBe('presets');
    vrm.update(1 / 30);
    expect(influences[0]).toBeGreaterThan(0.5);
    expect(influences[1]).toBeCloseTo(1, 5);
    head.updateWorldMatrix(true, false);
    const [m0, , m2] = head.matrixWorld.elements;
    expect(Math.abs(Math.atan2(-m2, m0))).toBeCloseTo(0.3, 1);
  });

  test('without expressions turns its head, and it is told', () => {
    const { vrm, head } = createAvatar();
    expect(driveVrm(vrm, faceWith({ jawOpen: 1 }))).toEqual({ expressions: 'none', hasHead: true });
    vrm.update(1 / 30);
    expect(head.quaternion.y).not.toBe(0);
  });

  test('with expressions of its own names only has none that a face knows', () => {
    const { vrm, influences } = createAvatar(['dance']);
    expect(driveVrm(vrm, faceWith({ jawOpen: 1 })).expressions).toBe('none');
    vrm.update(1 / 30);
    expect(influences[0]).toBe(0);
  });
});
