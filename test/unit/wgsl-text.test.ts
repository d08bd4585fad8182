import { expect, test } from 'vitest';
import { compactWgsl } from '../../wgsl-text.ts';

test('a shader loses its comments and the spaces that part no words', () => {
  const source = `
// Copies.
struct Square {
  size: u32, // pixels
}

fn f(a: f32) -> f32 {
  return a - -a * 2.0; // two signs stay two
}
`;
  expect(compactWgsl(source)).toBe('struct Square{size:u32,}fn f(a:f32)->f32{return a - -a*2.0;}');
});
