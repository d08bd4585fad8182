/** Names of ARKit's blend shapes, in its order; left and right are the subject's. */
export const expressionNames = [
  ...(['browDownLeft', 'browDownRight', 'browInnerUp', 'browOuterUpLeft', 'browOuterUpRight'] as const),
  ...(['cheekPuff', 'cheekSquintLeft', 'cheekSquintRight'] as const),
  ...(['eyeBlinkLeft', 'eyeBlinkRight', 'eyeLookDownLeft', 'eyeLookDownRight'] as const),
  ...(['eyeLookInLeft', 'eyeLookInRight', 'eyeLookOutLeft', 'eyeLookOutRight'] as const),
  ...(['eyeLookUpLeft', 'eyeLookUpRight', 'eyeSquintLeft', 'eyeSquintRight'] as const),
  ...(['eyeWideLeft', 'eyeWideRight', 'jawForward', 'jawLeft', 'jawOpen', 'jawRight'] as const),
  ...(['mouthClose', 'mouthDimpleLeft', 'mouthDimpleRight', 'mouthFrownLeft', 'mouthFrownRight'] as const),
  ...(['mouthFunnel', 'mouthLeft', 'mouthLowerDownLeft', 'mouthLowerDownRight'] as const),
  ...(['mouthPressLeft', 'mouthPressRight', 'mouthPucker', 'mouthRight'] as const),
  ...(['mouthRollLower', 'mouthRollUpper', 'mouthShrugLower', 'mouthShrugUpper'] as const),
  ...(['mouthSmileLeft', 'mouthSmileRight', 'mouthStretchLeft', 'mouthStretchRight'] as const),
  ...(['mouthUpperUpLeft', 'mouthUpperUpRight', 'noseSneerLeft', 'noseSneerRight', 'tongueOut'] as const),
] as const;

/** One of ARKit's 52 blend shapes. */
export type ExpressionName = (typeof expressionNames)[number];

/** How strong each expression is, 0–1. */
export type Expressions = Record<ExpressionName, number>;

const isExpressionName = (name: string): name is ExpressionName =>
  (expressionNames as readonly string[]).includes(name);

/**
 * ARKit's name of an expression of the 3-D face: `_L` is `Left`; two halves of what ARKit has as one have its name both.
 * @returns undefined for what ARKit does not have
 */
export const arkitName = (name: string): ExpressionName | undefined => {
  const whole = name.replace(/_[LR]$/, '');
  const sided = name.replace(/_L$/, 'Left').replace(/_R$/, 'Right');
  if (isExpressionName(sided)) return sided;
  return isExpressionName(whole) ? whole : undefined;
};

/** All of them at rest. */
export const neutralExpressions = (): Expressions =>
  Object.fromEntries(expressionNames.map((name) => [name, 0])) as Expressions;
