/** Settings of the smoother; every one has a default that fits every resolution and frame rate. */
export type SmootherOptions = {
  /** Cut-off frequency of a still point, Hz; lower is calmer. */ minCutoff?: number;
  /** How fast the cut-off rises with speed (object sizes per second); higher is quicker. */ beta?: number;
  /** Cut-off frequency of the speed estimate, Hz. */ derivativeCutoff?: number;
};
