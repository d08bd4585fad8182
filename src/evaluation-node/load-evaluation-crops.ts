/** Annotated pictures from disk, cut out as the protocols do it. */
import { join } from 'node:path';
import { createRandom } from '../augment/random.ts';
import { InputError } from '../errors.ts';
import { protocolRoi, type AnnotatedFolder, type AnnotatedPicture } from '../evaluation/annotations.ts';
import { renderCrop, type EvaluationCrop, type OnSkip } from '../evaluation/evaluation-model.ts';
import { fileInFolder } from '../files-node/file-in-folder.ts';
import { decodePicture } from '../media-node/decode-picture.ts';
import type { RawPicture } from '../media/raw-picture.ts';
import { createGridMap } from '../train/views/warps.ts';

/**
 * Decodes a picture and checks that its annotation is meant for that size.
 * @throws InputError that names the picture
 */
export const decodeAnnotated = async (
  folder: AnnotatedFolder,
  item: AnnotatedPicture,
): Promise<RawPicture> => {
  const picture = await decodePicture(await fileInFolder(folder.path, item.image));
  const { imageSize } = folder;
  if (imageSize !== undefined && (imageSize.width !== picture.width || imageSize.height !== picture.height)) {
    throw new InputError(
      `${item.image} is ${picture.width}×${picture.height} but landmarks.json says ${imageSize.width}×${imageSize.height}: its points would not fit. Annotate it at its size.`,
    );
  }
  return picture;
};

export type LoadCropsOptions = {
  /** ROI side over the longer side of the box; default: the protocol's. */ margin?: number;
  /** Take only so many, chosen by `seed`. */ limit?: number;
  /** Default 1. */ seed?: number;
  /** Pictures that cannot be used are reported here, and left out. */ onSkip?: OnSkip;
};

/** Pictures decoded at a time: enough for a few cores, few enough for big pictures. */
const decodersAtOnce = 4;

/**
 * Cuts out every annotated picture of a folder by the protocol's crop. 3·S²·4 bytes each are kept in memory.
 * @param inputSize S
 * @returns in the order of the annotations
 * @throws InputError where not one picture can be used
 */
export const loadEvaluationCrops = async (
  folder: AnnotatedFolder,
  inputSize: number,
  { limit, seed = 1, margin, onSkip }: LoadCropsOptions = {},
): Promise<EvaluationCrop[]> => {
  const order = createRandom(seed).shuffle(folder.items.map((_, index) => index));
  const wanted = order.slice(0, limit ?? order.length).sort((a, b) => a - b);
  const crops: (EvaluationCrop | undefined)[] = [];
  let next = 0;
  const loadRest = async (): Promise<void> => {
    while (next < wanted.length) {
      const place = next++;
      const item = folder.items[wanted[place]];
      try {
        const picture = await decodeAnnotated(folder, item);
        const roi = protocolRoi(item.box, margin);
        const pose = { center: roi.center, width: roi.size, height: roi.size, rotation: 0 };
        const image = renderCrop(picture, createGridMap(inputSize, pose));
        crops[place] = { path: join(folder.path, item.image), image, roi, landmarks: item.landmarks };
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        onSkip?.(error.message);
      }
    }
  };
  await Promise.all(Array.from({ length: decodersAtOnce }, loadRest));
  const usable = crops.filter((crop) => crop !== undefined);
  if (usable.length === 0) {
    throw new InputError(
      `None of the ${wanted.length} pictures of ${folder.path} can be used. Check that they lie beside landmarks.json.`,
    );
  }
  return usable;
};
