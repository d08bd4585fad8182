import { describe, expect, it } from 'vitest';
import { loadNodeRuntime } from '../../src/model/runtime-node.ts';
import { parseConfig } from '../../src/train/settings/config.ts';
import { exportNetwork } from '../../src/train/network/export.ts';
import { createRandom } from '../../src/augment/random.ts';
import { parseMetrics, renderReport } from '../../src/train-node/report.ts';
import { createPairPoolBuilder } from '../../src/train/pairs/pair-pool.ts';
import { sampleFlows } from '../../src/train/report/sample-flows.ts';
import { sampleMatches } from '../../src/train/report/sample-matches.ts';
import {
  initialParameters,
  initialStatistics,
  parameterLayout,
} from '../../src/train/network/training-network.ts';

const config = parseConfig({
  category: 'to<y>',
  steps: 40,
  network: { embeddingSize: 8, widths: [8, 8, 12] },
  batch: { inputSize: 32, pairs: 2, queryGrid: 8, backgrounds: 0 },
  loss: { auxiliaryGrid: 8, backgroundGrid: 4 },
});

describe('the training report', () => {
  it('reads metrics and leaves half a line out', () => {
    expect(parseMetrics('{"step":1,"loss":2}\n{"step":2,"lo')).toEqual([{ step: 1, loss: 2 }]);
  });

  it('shows curves, matches and settings, and refers to nothing outside of itself', async () => {
    const layout = parameterLayout(config.network, 32);
    const weights = {
      parameters: initialParameters(layout, createRandom(1)),
      statistics: initialStatistics(layout),
    };
    const random = createRandom(2);
    const batch = {
      images: Float32Array.from({ length: 4 * 3 * 32 * 32 }, () => random.uniform()),
      targets: new Float32Array(2 * 64 * 2).fill(10),
      valid: new Float32Array(2 * 64).fill(1),
    };
    const runtime = await loadNodeRuntime({ threads: 1 });
    const network = exportNetwork(layout, weights, config.network, 32, config.head);
    const samples = await sampleMatches(runtime, network, config, batch);
    expect(samples).toHaveLength(2);
    for (const { points, truth } of samples) {
      expect(points.flat(2).every((value) => value >= 0 && value <= 32)).toBe(true);
      expect(truth[0]).toEqual([10, 10]);
    }
    const metrics = [
      { step: 1, loss: 3 },
      { step: 2, loss: 2 },
      { step: 2, one_shot_5: 12.5 },
    ];
    const html = await renderReport(config, metrics, samples, { data: { pictures: 6, videos: 0 } });
    expect(html.match(/<polyline/g)).toHaveLength(2);
    expect(html).toContain('one_shot_5 12.500');
    expect(html.match(/data:image\/png/g)).toHaveLength(6);
    expect(html).toContain('<th>batch.inputSize</th><td>32</td>');
    expect(html).not.toMatch(/https?:|<script|to<y>/);
    expect(html).not.toContain('not trained on');
    const data = { pictures: 6, videos: 3 };
    const withHeld = await renderReport(config, metrics, samples, { held: samples.slice(1), data });
    expect(withHeld.match(/data:image\/png/g)).toHaveLength(9);
    expect(withHeld).toContain('<h2>Matches on frames not trained on</h2>');
  });

  it('shows the flow of pairs of frames in colours: its direction as the hue, black where it is not valid', async () => {
    const side = 32;
    const area = side * side;
    const builder = createPairPoolBuilder(['still', 'to <right>'], 2, side);
    const picture = (value: number) => ({
      ...{ file: 'frame', width: side, height: side },
      rgb: new Uint8Array(3 * area).fill(value),
    });
    for (const [video, speed] of [0, 4].entries()) {
      builder.add(video, 0, {
        ...{ a: picture(40), b: picture(90), base: { centerX: 0.5, centerY: 0.5, side: 1 } },
        flow: { width: side, height: side, x: new Float32Array(area).fill(speed), y: new Float32Array(area) },
        weights: Uint8Array.from({ length: area }, (_, i) => (i % side < side / 2 ? 255 : 0)),
      });
    }
    const flows = sampleFlows(builder.finish(), 3, 1);
    expect(flows.map(({ name }) => name).sort()).toEqual(['still', 'to <right>']);
    const moving = flows.find(({ name }) => name !== 'still');
    const still = flows.find(({ name }) => name === 'still');
    expect(moving?.longest).toBeCloseTo(4, 5);
    // The last valid column has a neighbour that is not.
    expect(moving?.coverage).toBeCloseTo((side / 2 - 1) / side, 5);
    expect([...(moving?.pictures[2].slice(0, 3) ?? [])]).toEqual([255, 0, 0]);
    expect([...(moving?.pictures[2].slice(-3) ?? [])]).toEqual([0, 0, 0]);
    expect([...(still?.pictures[2].slice(0, 3) ?? [])]).toEqual([255, 255, 255]);
    expect([moving?.pictures[0][0], moving?.pictures[1][0]]).toEqual([40, 90]);
    const html = await renderReport(config, [{ step: 1, loss: 3 }], [], {
      flows,
      data: { pictures: 0, videos: 1 },
    });
    expect(html.match(/data:image\/png/g)).toHaveLength(6);
    expect(html).toContain('at most 4.0 px of 32, valid on 47 %');
    expect(html).not.toContain('<right>');
  });
});
