import { derivatives, sampleBilinear, type FlowField, type GrayImage } from './plane.ts';

/** Weights and iteration counts of the variational refinement. */
export type RefinementSettings = {
  /** Weight of smoothness. */ smoothness: number;
  /** Weight of brightness constancy. */ brightness: number;
  /** Weight of gradient constancy, which holds under a change of light. */ gradient: number;
  /** Times the second picture is warped by the flow found so far. */ warps: number;
  /** Updates of the robust weights after each warp. */ updates: number;
  /** Sweeps of successive over-relaxation after each update. */ sweeps: number;
  /** Over-relaxation factor, 1–2. */ relaxation: number;
};

/** Softens the square root of the robust penalties at zero. */
const EPSILON2 = 1e-6;
/** Keeps the normalisation of the data terms finite where a picture is flat. */
const ZETA2 = 0.01;

/**
 * The linear system of one update: for every pixel a 2×2 block and the weights to its neighbours.
 * All arrays have one row more above and below, so that border pixels need no case of their own: their
 * missing neighbours exist and have weight 0. Pixel (x, y) is element (y + 1) · width + x.
 */
type System = {
  /** Increment of the flow that is solved for. */ du: Float32Array;
  dv: Float32Array;
  /** Block of the pixel. */ a11: Float32Array;
  a12: Float32Array;
  a22: Float32Array;
  /** Right-hand side. */ b1: Float32Array;
  b2: Float32Array;
  /** Smoothness between a pixel and the next one to its right, and the one below. */ right: Float32Array;
  below: Float32Array;
};

const createSystem = (width: number, height: number): System => {
  const plane = (): Float32Array => new Float32Array(width * (height + 2));
  return {
    du: plane(),
    dv: plane(),
    a11: plane(),
    a12: plane(),
    a22: plane(),
    b1: plane(),
    b2: plane(),
    right: plane(),
    below: plane(),
  };
};

/** Derivatives of the two pictures after the second was warped onto the first. */
type WarpedDerivatives = {
  /** Brightness of second minus first, and its derivatives. */ change: Float32Array;
  changeX: Float32Array;
  changeY: Float32Array;
  /** First and second derivatives of the mean of both. */ x: Float32Array;
  y: Float32Array;
  xx: Float32Array;
  xy: Float32Array;
  yy: Float32Array;
  /** 1 where the flow ends inside the second picture. */ inside: Uint8Array;
};

const warpAndDerive = (a: GrayImage, b: GrayImage, flow: FlowField): WarpedDerivatives => {
  const { width, height } = a;
  const mean = { width, height, data: new Float32Array(width * height) };
  const change = { width, height, data: new Float32Array(width * height) };
  const inside = new Uint8Array(width * height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const targetX = x + flow.x[i];
      const targetY = y + flow.y[i];
      inside[i] = targetX >= 0 && targetY >= 0 && targetX <= width - 1 && targetY <= height - 1 ? 1 : 0;
      const value = sampleBilinear(b, targetX, targetY);
      mean.data[i] = (a.data[i] + value) / 2;
      change.data[i] = value - a.data[i];
    }
  }
  const first = derivatives(mean);
  const second = derivatives({ width, height, data: first.x });
  const changes = derivatives(change);
  return {
    change: change.data,
    changeX: changes.x,
    changeY: changes.y,
    x: first.x,
    y: first.y,
    xx: second.x,
    xy: second.y,
    yy: derivatives({ width, height, data: first.y }).y,
    inside,
  };
};

/** Writes the data terms under the robust weights of the current increment into the system. */
const assembleData = (
  system: System,
  d: WarpedDerivatives,
  width: number,
  settings: RefinementSettings,
): void => {
  const { du, dv, a11, a12, a22, b1, b2 } = system;
  const { brightness, gradient } = settings;
  for (let i = 0, j = width; i < d.change.length; i++, j++) {
    if (d.inside[i] === 0) {
      // Nothing is known about a pixel that leaves the picture; its neighbours' smoothness decides.
      a11[j] = a12[j] = a22[j] = b1[j] = b2[j] = 0;
      continue;
    }
    const u = du[j];
    const v = dv[j];
    const ix = d.x[i];
    const iy = d.y[i];
    const iz = d.change[i];
    const norm = 1 / (ix * ix + iy * iy + ZETA2);
    const residual = iz + ix * u + iy * v;
    const w = (brightness * norm) / Math.sqrt(residual * residual * norm + EPSILON2);

    const ixx = d.xx[i];
    const ixy = d.xy[i];
    const iyy = d.yy[i];
    const ixz = d.changeX[i];
    const iyz = d.changeY[i];
    const normX = 1 / (ixx * ixx + ixy * ixy + ZETA2);
    const normY = 1 / (ixy * ixy + iyy * iyy + ZETA2);
    const residualX = ixz + ixx * u + ixy * v;
    const residualY = iyz + ixy * u + iyy * v;
    const g = gradient / Math.sqrt(residualX * residualX * normX + residualY * residualY * normY + EPSILON2);
    const gx = g * normX;
    const gy = g * normY;

    a11[j] = w * ix * ix + gx * ixx * ixx + gy * ixy * ixy;
    a12[j] = w * ix * iy + gx * ixx * ixy + gy * ixy * iyy;
    a22[j] = w * iy * iy + gx * ixy * ixy + gy * iyy * iyy;
    b1[j] = -(w * ix * iz + gx * ixx * ixz + gy * ixy * iyz);
    b2[j] = -(w * iy * iz + gx * ixy * ixz + gy * iyy * iyz);
  }
};

/**
 * Adds smoothness, robust in the gradient of flow plus increment, and replaces the diagonals by their inverses.
 * @param local scratch, one value a pixel
 */
const assembleSmoothness = (
  system: System,
  flow: FlowField,
  local: Float32Array,
  settings: RefinementSettings,
): void => {
  const { width, height } = flow;
  const { du, dv, a11, a22, b1, b2, right, below } = system;
  const { smoothness } = settings;
  for (let y = 0, i = 0, j = width; y < height; y++) {
    const down = y + 1 < height ? width : 0;
    for (let x = 0; x < width; x++, i++, j++) {
      const across = x + 1 < width ? 1 : 0;
      const u = flow.x[i] + du[j];
      const v = flow.y[i] + dv[j];
      const ux = flow.x[i + across] + du[j + across] - u;
      const uy = flow.x[i + down] + du[j + down] - u;
      const vx = flow.y[i + across] + dv[j + across] - v;
      const vy = flow.y[i + down] + dv[j + down] - v;
      local[i] = smoothness / Math.sqrt(ux * ux + uy * uy + vx * vx + vy * vy + EPSILON2);
    }
  }
  for (let y = 0, i = 0, j = width; y < height; y++) {
    for (let x = 0; x < width; x++, i++, j++) {
      right[j] = x + 1 < width ? (local[i] + local[i + 1]) / 2 : 0;
      below[j] = y + 1 < height ? (local[i] + local[i + width]) / 2 : 0;
    }
  }
  const { x: flowX, y: flowY } = flow;
  const last = flowX.length - 1;
  for (let i = 0, j = width; i <= last; i++, j++) {
    const toLeft = right[j - 1];
    const toRight = right[j];
    const toAbove = below[j - width];
    const toBelow = below[j];
    // Missing neighbours have weight 0; any existing pixel may stand in for them.
    const l = i > 0 ? i - 1 : 0;
    const r = i < last ? i + 1 : last;
    const t = i >= width ? i - width : 0;
    const b = i + width <= last ? i + width : last;
    const sum = toLeft + toRight + toAbove + toBelow;
    b1[j] +=
      toLeft * flowX[l] + toRight * flowX[r] + toAbove * flowX[t] + toBelow * flowX[b] - sum * flowX[i];
    b2[j] +=
      toLeft * flowY[l] + toRight * flowY[r] + toAbove * flowY[t] + toBelow * flowY[b] - sum * flowY[i];
    a11[j] = 1 / (a11[j] + sum);
    a22[j] = 1 / (a22[j] + sum);
  }
};

/** One sweep of red-black over-relaxation: pixels of one colour do not wait for each other. */
const relax = (system: System, width: number, height: number, relaxation: number): void => {
  const { du, dv, a11, a12, a22, b1, b2, right, below } = system;
  for (let color = 0; color < 2; color++) {
    for (let y = 0; y < height; y++) {
      const end = (y + 2) * width;
      for (let j = (y + 1) * width + ((y + color) & 1); j < end; j += 2) {
        const toLeft = right[j - 1];
        const toRight = right[j];
        const toAbove = below[j - width];
        const toBelow = below[j];
        const u = du[j];
        const v = dv[j];
        const pullX =
          b1[j] +
          toLeft * du[j - 1] +
          toRight * du[j + 1] +
          toAbove * du[j - width] +
          toBelow * du[j + width];
        const pullY =
          b2[j] +
          toLeft * dv[j - 1] +
          toRight * dv[j + 1] +
          toAbove * dv[j - width] +
          toBelow * dv[j + width];
        const newU = u + relaxation * ((pullX - a12[j] * v) * a11[j] - u);
        du[j] = newU;
        dv[j] = v + relaxation * ((pullY - a12[j] * newU) * a22[j] - v);
      }
    }
  }
};

/**
 * Refines a flow by minimising brightness and gradient constancy plus smoothness, all with robust
 * penalties. Brox et al., ECCV 2004; at every level as in Kroeger et al., ECCV 2016, section 2.3.
 *
 * @param a, b pictures, same size
 * @param flow displacement in pixels; refined in place
 */
export const refineFlow = (
  a: GrayImage,
  b: GrayImage,
  flow: FlowField,
  settings: RefinementSettings,
): void => {
  const { width, height } = flow;
  const system = createSystem(width, height);
  const local = new Float32Array(width * height);
  for (let warp = 0; warp < settings.warps; warp++) {
    const derived = warpAndDerive(a, b, flow);
    system.du.fill(0);
    system.dv.fill(0);
    for (let update = 0; update < settings.updates; update++) {
      assembleData(system, derived, width, settings);
      assembleSmoothness(system, flow, local, settings);
      for (let sweep = 0; sweep < settings.sweeps; sweep++) relax(system, width, height, settings.relaxation);
    }
    for (let i = 0, j = width; i < flow.x.length; i++, j++) {
      flow.x[i] += system.du[j];
      flow.y[i] += system.dv[j];
    }
  }
};
