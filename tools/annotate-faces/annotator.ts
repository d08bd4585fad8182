/** Runs in the page: FaceLandmarker on pictures that the page's own server has. */
import { FaceLandmarker, FilesetResolver } from '@mediapipe/tasks-vision';
import type { MeshView, PageApi, ViewPose } from './page-api.ts';

const loadPicture = async (url: string): Promise<ImageBitmap> => {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered HTTP ${response.status}`);
  return createImageBitmap(await response.blob());
};

/** Draws a picture into the middle of a square canvas, scaled and turned about its centre, on grey. */
const draw = (picture: ImageBitmap, { side, scale, rotation }: ViewPose): HTMLCanvasElement => {
  const canvas = document.createElement('canvas');
  canvas.width = side;
  canvas.height = side;
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('this browser has no 2-D canvas');
  context.fillStyle = '#808080';
  context.fillRect(0, 0, side, side);
  context.imageSmoothingQuality = 'high';
  context.translate(side / 2, side / 2);
  context.rotate(rotation);
  context.scale(scale, scale);
  context.drawImage(picture, -picture.width / 2, -picture.height / 2);
  return canvas;
};

const createApi = async (): Promise<PageApi> => {
  const landmarker = await FaceLandmarker.createFromOptions(await FilesetResolver.forVisionTasks('/wasm'), {
    baseOptions: { modelAssetPath: '/face_landmarker.task', delegate: 'CPU' },
    runningMode: 'IMAGE',
    numFaces: 1,
  });
  return {
    annotate: async (url, poses) => {
      const picture = await loadPicture(url);
      const views = poses.map((pose): MeshView | null => {
        const { faceLandmarks } = landmarker.detect(draw(picture, pose));
        if (faceLandmarks.length === 0) return null;
        // Normalised by the canvas's side, depth too.
        return faceLandmarks[0].map(({ x, y, z }) => [x * pose.side, y * pose.side, z * pose.side]);
      });
      const { width, height } = picture;
      picture.close();
      return { width, height, views };
    },
  };
};

Object.assign(globalThis, { startAnnotator: createApi });
