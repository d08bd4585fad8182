/** What landmarks of about one confidence turned out to be. */
export type ReliabilityBin = {
  /** Confidences from here, inclusive. */ from: number;
  /** To here, exclusive but in the last bin. */ to: number;
  /** Landmarks in it. */ count: number;
  /** Their mean confidence; NaN where there are none. */ confidence: number;
  /** Share of them that were right; NaN where there are none. */ observed: number;
};

/**
 * Holds confidences against what was right: the data of a reliability diagram (DeGroot and Fienberg 1983).
 * @param confidences (M) 0–1
 * @param right (M) 1 where the landmark was right, else 0
 * @param bins of the same width
 */
export const reliabilityTable = (
  confidences: ArrayLike<number>,
  right: ArrayLike<number>,
  bins = 10,
): ReliabilityBin[] => {
  const sums = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, right: 0 }));
  for (let i = 0; i < confidences.length; i++) {
    const sum = sums[Math.min(bins - 1, Math.floor(confidences[i] * bins))];
    sum.count++;
    sum.confidence += confidences[i];
    sum.right += right[i];
  }
  return sums.map((sum, index) => ({
    from: index / bins,
    to: (index + 1) / bins,
    count: sum.count,
    confidence: sum.confidence / sum.count,
    observed: sum.right / sum.count,
  }));
};

/** Mean distance of confidence and observed share over the landmarks (expected calibration error), 0–1. */
export const calibrationError = (table: readonly ReliabilityBin[]): number => {
  let sum = 0;
  let total = 0;
  for (const { count, confidence, observed } of table) {
    if (count === 0) continue;
    sum += count * Math.abs(confidence - observed);
    total += count;
  }
  return sum / total;
};
