// Each query of a batch sought in one embedding: the nearest cell by cosine, then the expectation of the cell centres
// around it. A workgroup of 64 threads does 8 queries, so that each value of the embedding is read once for 8 of them.
// Same definition as matchInWindow of landmarks/matching.ts.
// queries (C,N) f32 · embedding (C,H,W) f32 · matches (N,3) f32: x, y in crop pixels, cosine
// sample: (N,3) points, of which x and y count, of an embedding → queries.

struct Shape {
  // N: queries.
  count: u32,
  // W and H, cells.
  width: u32,
  height: u32,
  // Crop pixels per cell.
  stride: f32,
  // Of the softmax.
  temperature: f32,
}

const threads = 64u;
const together = 8u;
// Half side of the window, cells.
const radius = 2;
const side = 5u;

// C; and C · 8, of which workgroup memory is made.
override channels: u32;
override values: u32;

@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> embedding: array<f32>;
@group(0) @binding(3) var<storage, read_write> matches: array<f32>;

var<workgroup> query: array<f32, values>;
var<workgroup> cosines: array<f32, 512>;
var<workgroup> cells: array<u32, 512>;
var<workgroup> weights: array<f32, 200>;

// What thread i of 64 has to compare, 8 queries at a time.
fn search(i: u32) {
  let count = shape.width * shape.height;
  var best: array<f32, 8>;
  var at: array<u32, 8>;
  for (var q = 0u; q < together; q++) {
    best[q] = -2.0;
  }
  for (var cell = i; cell < count; cell += threads) {
    var low = vec4f();
    var high = vec4f();
    for (var c = 0u; c < channels; c++) {
      let value = embedding[c * count + cell];
      let row = c * together;
      low += value * vec4f(query[row], query[row + 1u], query[row + 2u], query[row + 3u]);
      high += value * vec4f(query[row + 4u], query[row + 5u], query[row + 6u], query[row + 7u]);
    }
    for (var q = 0u; q < 4u; q++) {
      if (low[q] > best[q]) {
        best[q] = low[q];
        at[q] = cell;
      }
      if (high[q] > best[q + 4u]) {
        best[q + 4u] = high[q];
        at[q + 4u] = cell;
      }
    }
  }
  for (var q = 0u; q < together; q++) {
    cosines[q * threads + i] = best[q];
    cells[q * threads + i] = at[q];
  }
}

// The best of all threads for query q comes to the first place; of two alike the first cell, as on the CPU.
fn pick(q: u32) {
  let first = q * threads;
  for (var i = first + 1u; i < first + threads; i++) {
    if (cosines[i] > cosines[first] || (cosines[i] == cosines[first] && cells[i] < cells[first])) {
      cosines[first] = cosines[i];
      cells[first] = cells[i];
    }
  }
}

// Cell k of the 5 × 5 around the best cell of query q; outside of the embedding where it is clipped.
fn around(q: u32, k: u32) -> vec2i {
  let best = cells[q * threads];
  return vec2i(vec2u(best % shape.width + k % side, best / shape.width + k / side)) - radius;
}

fn isInside(cell: vec2i) -> bool {
  return all(cell >= vec2i()) && cell.x < i32(shape.width) && cell.y < i32(shape.height);
}

// How much that cell counts.
fn weigh(q: u32, k: u32) {
  let cell = around(q, k);
  var weight = 0.0;
  if (isInside(cell)) {
    let at = u32(cell.y) * shape.width + u32(cell.x);
    var cosine = 0.0;
    for (var c = 0u; c < channels; c++) {
      cosine += query[c * together + q] * embedding[c * shape.width * shape.height + at];
    }
    weight = exp((cosine - cosines[q * threads]) / shape.temperature);
  }
  weights[q * side * side + k] = weight;
}

@compute @workgroup_size(64)
fn seek(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
  let first = group.x * together;
  for (var v = i; v < values; v += threads) {
    // Beyond the last query the last one is sought again.
    let n = min(first + v % together, shape.count - 1u);
    query[v] = queries[v / together * shape.count + n];
  }
  workgroupBarrier();
  search(i);
  workgroupBarrier();
  if (i < together) {
    pick(i);
  }
  workgroupBarrier();
  for (var k = i; k < together * side * side; k += threads) {
    weigh(k / (side * side), k % (side * side));
  }
  workgroupBarrier();
  let n = first + i;
  if (i >= together || n >= shape.count) {
    return;
  }
  var total = 0.0;
  var place = vec2f();
  for (var k = 0u; k < side * side; k++) {
    let weight = weights[i * side * side + k];
    total += weight;
    place += weight * (vec2f(around(i, k)) + 0.5);
  }
  place *= shape.stride / total;
  matches[3u * n] = place.x;
  matches[3u * n + 1u] = place.y;
  matches[3u * n + 2u] = cosines[i * threads];
}

@group(0) @binding(1) var<storage, read> points: array<f32>;
@group(0) @binding(3) var<storage, read_write> sampled: array<f32>;

// The embedding between the four nearest cells, one thread a point; its length stays to be made 1.
fn between(c: u32, corner: vec2u, next: vec2u, share: vec2f) -> f32 {
  let plane = c * shape.width * shape.height;
  let above = plane + corner.y * shape.width;
  let below = plane + next.y * shape.width;
  return mix(
    mix(embedding[above + corner.x], embedding[above + next.x], share.x),
    mix(embedding[below + corner.x], embedding[below + next.x], share.x),
    share.y,
  );
}

@compute @workgroup_size(64)
fn sample(@builtin(global_invocation_id) id: vec3u) {
  let n = id.x;
  if (n >= shape.count) {
    return;
  }
  let last = vec2f(vec2u(shape.width, shape.height) - 1u);
  let cell = clamp(vec2f(points[3u * n], points[3u * n + 1u]) / shape.stride - 0.5, vec2f(), last);
  let corner = min(vec2u(cell), vec2u(max(last - 1.0, vec2f())));
  let next = min(corner + 1u, vec2u(last));
  let share = cell - vec2f(corner);
  var squared = 0.0;
  for (var c = 0u; c < channels; c++) {
    let value = between(c, corner, next, share);
    squared += value * value;
  }
  let scale = select(0.0, inverseSqrt(squared), squared > 0.0);
  for (var c = 0u; c < channels; c++) {
    sampled[c * shape.count + n] = scale * between(c, corner, next, share);
  }
}
