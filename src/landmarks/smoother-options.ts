/** Settings of the smoother; every one has a default that fits every resolution and frame rate. */
export type SmootherOptions = {
  /** Cut-off frequency of a still point, Hz; lower is calmer. */ minCutoff?: number;
  /** How fast the cut-off rises with speed (object sizes per second); higher is quicker. */ beta?: number;
  /** Cut-off frequency of the speed estimate, Hz. */ derivativeCutoff?: number;
};

/**
 * What the smoother does unless told otherwise: a still face trembles by 0.05 % of its IOD, a moving one lags a fifth of a
 * frame (test/bench/smoothing.ts prints the curve).
 */
export const defaultSmoothing: Readonly<Required<SmootherOptions>> = {
  minCutoff: 0.4,
  beta: 110,
  derivativeCutoff: 3,
};
