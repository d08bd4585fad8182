/** What the choice of a device is between: the worker and its part for WebGPU both use it. */
import type { Manifest } from '../model/manifest.ts';
import type * as ModelModule from '../model/model.ts';
import type { ModelUrls, WebRuntime, WebRuntimeFiles } from '../model/model-web.ts';
import type * as EngineModule from './engine.ts';
import type { DeviceChoice, PrecisionChoice } from './messages.ts';
import type { PartUrls } from './part-urls.ts';

type Model = ModelModule.Model;
type ModelPrecision = ModelModule.ModelPrecision;
type Runtime = ModelModule.Runtime;
type Engine = EngineModule.Engine;

export type EngineOptions = {
  urls: ModelUrls;
  manifest: Manifest;
  runtime: WebRuntimeFiles;
  parts: PartUrls;
  device: DeviceChoice;
  precision: PrecisionChoice;
};

/** @param note why WebGPU is not used, where it might have been */
export type ChosenEngine = { engine: Engine; threads: number; note: string | undefined };

/** A model to be opened, and what opening it takes. */
export type Context = EngineOptions & {
  /** The network's file, fetched once. */ load(precision: ModelPrecision): Promise<ArrayBuffer>;
  /** Which of the model's networks runs on wasm. */ wasmPrecision: ModelPrecision;
  openRuntime(build: keyof WebRuntimeFiles): Promise<WebRuntime>;
  onDevice(runtime: WebRuntime, gpu?: GPUDevice): Runtime;
  threadsOf(runtime: WebRuntime): number;
  /** @param model on wasm */ createWasmEngine(model: Model): Promise<Engine>;
} & Pick<typeof EngineModule, 'assemble' | 'createWasmModel' | 'networkFile'> &
  Pick<typeof ModelModule, 'createModelOf'>;
