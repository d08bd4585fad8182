/**
 * Reverse-mode automatic differentiation over ONNX graphs: a tape records how to push a gradient back
 * through each differentiable operation, and `gradients` appends the backward nodes to the same graph.
 */
import type { Graph, Value } from '../../onnx/graph.ts';
import { GraphError } from '../../errors.ts';
import { formatShape } from '../../onnx/graph.ts';
import { add } from '../../onnx/operators.ts';

/**
 * Gradient of each input, given the gradient of the output. `needs(i)` tells whether input i leads to a
 * watched value: the gradient of one that does not is never computed and may be `undefined`.
 */
export type Backward = (gradient: Value, needs: (index: number) => boolean) => (Value | undefined)[];

type Entry = { inputs: readonly Value[]; output: Value; backward: Backward };

export class Tape {
  readonly #entries: Entry[] = [];
  readonly #tracked = new Set<string>();

  constructor(readonly graph: Graph) {}

  /** Declares a value whose gradient will be asked for. */
  watch(value: Value): Value {
    this.#tracked.add(value.name);
    return value;
  }

  /** Whether a gradient flows through `value`. */
  tracks(value: Value): boolean {
    return this.#tracked.has(value.name);
  }

  /** Records one differentiable operation and returns its output. */
  record(inputs: readonly Value[], output: Value, backward: Backward): Value {
    if (inputs.some((input) => this.tracks(input))) {
      this.#tracked.add(output.name);
      this.#entries.push({ inputs, output, backward });
    }
    return output;
  }

  /**
   * Gradients of a scalar with respect to watched values, in their order.
   * @throws GraphError when `loss` is no scalar, does not depend on a value, or a rule returns a wrong shape
   */
  gradients(loss: Value, watched: readonly Value[]): Value[] {
    if (loss.shape.length !== 0)
      throw new GraphError(`The loss must be a scalar, got ${formatShape(loss.shape)}.`);
    const gradients = new Map<string, Value>([[loss.name, this.graph.scalar(1)]]);
    for (const { inputs, output, backward } of this.#entries.toReversed()) {
      const gradient = gradients.get(output.name);
      if (!gradient) continue;
      const needs = (index: number): boolean => this.tracks(inputs[index]);
      backward(gradient, needs).forEach((contribution, index) => {
        if (!contribution || !needs(index)) return;
        this.#accumulate(gradients, inputs[index], contribution);
      });
    }
    return watched.map((value) => {
      const gradient = gradients.get(value.name);
      if (!gradient) throw new GraphError(`The loss does not depend on "${value.name}".`);
      return gradient;
    });
  }

  #accumulate(gradients: Map<string, Value>, value: Value, contribution: Value): void {
    if (contribution.shape.join() !== value.shape.join()) {
      throw new GraphError(
        `The gradient of "${value.name}" ${formatShape(value.shape)} came back as ${formatShape(contribution.shape)}.`,
      );
    }
    const sum = gradients.get(value.name);
    gradients.set(value.name, sum ? add(this.graph, sum, contribution) : contribution);
  }
}
