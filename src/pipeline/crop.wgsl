// Cut squares out of a frame. One thread per output pixel; z is the crop of the batch.
// frame external texture · squares see crop-gpu.ts · tensor (B,3,S,S) f32, planar RGB, 0–1
// Same sampling positions as pipeline/crop.ts.

struct Square {
  // Position of sample (0, 0), and the step to the next one along a row, in image pixels.
  origin: vec2f,
  step: vec2f,
  // K: samples per side of an output pixel.
  perPixel: u32,
  // Side S of the crop, pixels.
  size: u32,
  // Width and height of the image, pixels.
  image: vec2f,
}

@group(0) @binding(0) var frame: texture_external;
@group(0) @binding(1) var linear: sampler;
@group(0) @binding(2) var<storage, read> squares: array<Square>;
@group(0) @binding(3) var<storage, read_write> tensor: array<f32>;

// Colour of output pixel (x, y): the mean of its samples.
fn pixel(square: Square, id: vec3u) -> vec3f {
  let k = square.perPixel;
  // The step down a column is the step along a row, turned by a quarter.
  let down = vec2f(-square.step.y, square.step.x);
  var sum = vec3f(0.0);
  for (var q = id.y * k; q < (id.y + 1u) * k; q++) {
    for (var p = id.x * k; p < (id.x + 1u) * k; p++) {
      let position = square.origin + f32(p) * square.step + f32(q) * down;
      sum += textureSampleBaseClampToEdge(frame, linear, position / square.image).rgb;
    }
  }
  return sum / f32(k * k);
}

@compute @workgroup_size(8, 8)
fn crop(@builtin(global_invocation_id) id: vec3u) {
  let square = squares[id.z];
  let size = square.size;
  if (id.x >= size || id.y >= size) {
    return;
  }
  let mean = pixel(square, id);
  let plane = size * size;
  let at = id.z * 3u * plane + id.y * size + id.x;
  tensor[at] = mean.r;
  tensor[at + plane] = mean.g;
  tensor[at + 2u * plane] = mean.b;
}
