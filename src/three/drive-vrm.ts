import { InputError } from '../errors.ts';
import { neutralExpressions } from '../puppet/expression-names.ts';
import { toVrm } from '../puppet/mappings.ts';
import type { PuppetResult } from '../puppet/puppet.ts';

/** What is used of a `VRM` of `@pixiv/three-vrm`, 1.0 or 0.x. */
export type VrmLike = {
  /** Missing or null for an avatar without expressions. */
  expressionManager?:
    | {
        /** Sets an expression, 0–1. */ setValue(name: string, weight: number): void;
        /** Null or undefined where the avatar has none of that name. */ getExpression(name: string): unknown;
      }
    | null
    | undefined;
  /** Missing or null for an avatar without bones. */
  humanoid?:
    | {
        /** Null where the avatar has no such bone. */ getNormalizedBoneNode(name: 'head' | 'neck'): {
          /** Turn of the bone. */ quaternion: {
            /** Sets all four. */ set(x: number, y: number, z: number, w: number): unknown;
          };
        } | null;
      }
    | null
    | undefined;
};

/** What of an avatar follows a face. */
export type DrivenVrm = {
  /** `arkit`: its own custom ones by ARKit's names; `none`: it has none that a face knows, and its face stays still. */
  expressions: 'arkit' | 'presets' | 'none';
  /** Whether it has a head to be turned. */ hasHead: boolean;
};

/** Share of the turn that the neck has. */
const neckShare = 0.4;

/** A share of a turn about its own axis. */
const partOf = ({ x, y, z, w }: { x: number; y: number; z: number; w: number }, share: number) => {
  const length = Math.hypot(x, y, z);
  if (length < 1e-9) return { x: 0, y: 0, z: 0, w: 1 };
  const half = Math.atan2(length, w) * share;
  const gain = Math.sin(half) / length;
  return { x: x * gain, y: y * gain, z: z * gain, w: Math.cos(half) };
};

/**
 * Moves an avatar by a face: head and neck turn, expressions by its own custom ones where it has ARKit's, else by presets.
 * Call `vrm.update(seconds)` afterwards, as always.
 * @param isMirrored as in a mirror: the avatar's left is the subject's right. Default false
 * @returns what of it follows: say so where nothing does
 * @throws InputError for an avatar that has neither expressions nor a humanoid
 */
export const driveVrm = (vrm: VrmLike, result: PuppetResult, isMirrored = false): DrivenVrm => {
  const { expressionManager, humanoid } = vrm;
  if (!expressionManager && !humanoid) {
    throw new InputError(
      'This VRM has neither expressions nor a humanoid. Load it with VRMLoaderPlugin of @pixiv/three-vrm and pass gltf.userData.vrm.',
    );
  }
  const has = (name: string): boolean => Boolean(expressionManager?.getExpression(name));
  const hasHead = Boolean(humanoid?.getNormalizedBoneNode('head'));
  const { presets, custom } = toVrm(
    result.status === 'searching' ? neutralExpressions() : result.expressions,
  );
  const hasArkit = has('jawOpen');
  const known = Object.entries(hasArkit ? custom : presets).filter(([name]) => has(name));
  const driven: DrivenVrm = {
    expressions: known.length === 0 ? 'none' : hasArkit ? 'arkit' : 'presets',
    hasHead,
  };
  if (result.status === 'searching') return driven;
  const swap = (name: string): string =>
    isMirrored ? name.replace(/Left$|Right$/, (side) => (side === 'Left' ? 'Right' : 'Left')) : name;
  for (const [name, weight] of known) {
    if (has(swap(name))) expressionManager?.setValue(swap(name), weight);
  }
  const { x, y, z, w } = result.pose.quaternion;
  const turn = isMirrored ? { x, y: -y, z: -z, w } : { x, y, z, w };
  for (const [bone, share] of [
    ['neck', neckShare],
    ['head', 1 - neckShare],
  ] as const) {
    const part = partOf(turn, share);
    humanoid?.getNormalizedBoneNode(bone)?.quaternion.set(part.x, part.y, part.z, part.w);
  }
  return driven;
};
