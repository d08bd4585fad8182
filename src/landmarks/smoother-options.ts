/** Settings of the smoother; every one has a default that fits every resolution and frame rate. */
export type SmootherOptions = {
  /** Cut-off frequency of a still point, Hz; lower is calmer. */ minCutoff?: number;
  /** How fast the cut-off rises with speed (object sizes per second); higher is quicker. */ beta?: number;
  /** Cut-off frequency of the estimates of speed and of noise, Hz. */ derivativeCutoff?: number;
  /** Speed below so many times that of a point's own noise does not count; 0 is the One Euro filter of the paper. */
  noise?: number;
};

/**
 * What the smoother does unless told otherwise: a still face trembles by 0.04 % of its IOD, a moving one lags a fifth of a
 * frame (test/bench/smoothing.ts prints the curve).
 */
export const defaultSmoothing: Readonly<Required<SmootherOptions>> = {
  minCutoff: 0.4,
  beta: 200,
  derivativeCutoff: 2,
  noise: 0.4,
};
