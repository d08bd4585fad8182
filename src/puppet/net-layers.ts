/** Small networks of fully connected layers, run in plain code. */

/** Fully connected; between layers ReLU. */
export type Layer = {
  /** (outputs, inputs) row-major. */ weights: Float32Array;
  /** (outputs). */ biases: Float32Array;
};

type LayeredNet = {
  /** (F): inputs are (value − mean) · gain. */ mean: Float32Array;
  gain: Float32Array;
  layers: readonly Layer[];
};

/** Makes what runs the layers, in work space of its own: results hold until the next run. */
export const createNetRunner = ({ mean, gain, layers }: LayeredNet) => {
  const input = new Float32Array(mean.length);
  const results = layers.map(({ biases }) => new Float32Array(biases.length));
  return (values: ArrayLike<number>): Float32Array => {
    for (let i = 0; i < input.length; i++) {
      // Nothing that was learnt from lies further out: what a wild point says is bounded.
      input[i] = Math.max(-4, Math.min(4, (values[i] - mean[i]) * gain[i]));
    }
    let from = input;
    layers.forEach(({ weights, biases }, l) => {
      const to = results[l];
      const isLast = l + 1 === layers.length;
      for (let o = 0; o < to.length; o++) {
        let sum = biases[o];
        for (let i = 0, at = o * from.length; i < from.length; i++, at++) sum += weights[at] * from[i];
        to[o] = isLast ? sum : Math.max(0, sum);
      }
      from = to;
    });
    return from;
  };
};
