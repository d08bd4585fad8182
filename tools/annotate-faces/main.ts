/**
 * Annotates pictures of faces by MediaPipe's FaceLandmarker in a headless Chromium: 68 points in iBUG order, pixels of
 * the picture, the centre of the top-left pixel at (0.5, 0.5).
 *
 *   npx tsx tools/annotate-faces/main.ts --images DIR --model face_landmarker.task --out FILE.json [--mesh FILE.json]
 */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { defineCommand } from '../../src/cli/arguments.ts';
import { createProgress, printNote, round } from '../../src/cli/output.ts';
import { DveError, InputError } from '../../src/errors.ts';
import { writeFileAtomic } from '../../src/files-node/atomic-file.ts';
import { decodePicture } from '../../src/media-node/decode-picture.ts';
import { listPictures } from '../../src/media-node/load-pictures.ts';
import { runTool } from '../run-tool.ts';
import { openAnnotationPage, type AnnotationPage } from './annotation-page.ts';
import { ibugFromMesh } from './mesh-to-ibug.ts';
import { mergeViews, mostViews, posesFor, usualViews, type Merged } from './views.ts';

const command = defineCommand({
  name: 'annotate-faces',
  about:
    'Finds 68 face points in every picture of a folder by MediaPipe’s FaceLandmarker in a headless Chromium.',
  options: {
    images: { type: 'string', placeholder: 'DIR', required: true, describe: 'Folder of pictures.' },
    model: { type: 'string', placeholder: 'FILE', required: true, describe: 'face_landmarker.task.' },
    out: {
      type: 'string',
      placeholder: 'FILE',
      required: true,
      describe: 'File to write: image, landmarks.',
    },
    mesh: { type: 'string', placeholder: 'FILE', describe: 'Also write all 478 points with their depth.' },
    views: {
      type: 'integer',
      placeholder: 'N',
      default: usualViews,
      minimum: 1,
      describe: `Looks at each picture that are averaged, ${mostViews} at most.`,
    },
  },
});

type Annotated = Merged & { image: string; width: number; height: number };

const annotate = async (
  page: AnnotationPage,
  folder: string,
  image: string,
  views: number,
): Promise<Annotated> => {
  const { width, height } = await decodePicture(join(folder, image));
  const poses = posesFor({ width, height }, views);
  const result = await page.annotate(image, poses);
  if (result.width !== width || result.height !== height) {
    throw new InputError(`it is ${width}×${height} here but ${result.width}×${result.height} in the browser`);
  }
  return { ...mergeViews(result.views, poses, { width, height }), image, width, height };
};

const pointRows = (points: readonly { x: number; y: number }[]) =>
  points.map(({ x, y }) => [round(x, 2), round(y, 2)]);

/** One picture a line, so that two versions can be compared. */
const writeItems = (path: string, note: string, items: readonly unknown[]): Promise<void> =>
  writeFileAtomic(
    path,
    `{\n"note": ${JSON.stringify(note)},\n"items": [\n${items.map((item) => JSON.stringify(item)).join(',\n')}\n]\n}\n`,
  );

const convention = 'pixels of the picture, the centre of the top-left pixel is (0.5, 0.5)';

await runTool(command, async ({ values }) => {
  const { images, model, out, mesh, views } = values;
  await access(model).catch((error: unknown) => {
    throw new InputError(`${model} cannot be read. Give MediaPipe's face_landmarker.task.`, { cause: error });
  });
  const pictures = await listPictures(images);
  const page = await openAnnotationPage(images, model);
  const annotated: Annotated[] = [];
  const progress = createProgress('pictures');
  try {
    for (const [done, image] of pictures.entries()) {
      try {
        annotated.push(await annotate(page, images, image, Math.min(views, mostViews)));
      } catch (error) {
        if (!(error instanceof DveError)) throw error;
        printNote(`skipped: ${image}: ${error.message}`);
      }
      progress(done + 1, pictures.length);
    }
  } finally {
    await page.close();
  }
  if (annotated.length === 0)
    throw new InputError(`No face was found in the ${pictures.length} pictures of ${images}.`);
  await writeItems(
    out,
    `68 points in iBUG order by MediaPipe FaceLandmarker, ${convention}; spread: how far its looks disagree, share of the inter-ocular distance`,
    annotated.map(({ image, spread, mesh: points }) => ({
      image,
      spread: round(spread, 4),
      landmarks: pointRows(ibugFromMesh(points)),
    })),
  );
  if (mesh !== undefined) {
    await writeItems(
      mesh,
      `478 points [x, y, depth] by MediaPipe FaceLandmarker, ${convention}; depth in the same unit, smaller is nearer`,
      annotated.map(({ image, width, height, mesh: points }) => ({
        image,
        size: [width, height],
        points: points.map(({ x, y, z }) => [round(x, 2), round(y, 2), round(z, 2)]),
      })),
    );
  }
  printNote(`${annotated.length} of ${pictures.length} pictures annotated`);
});
