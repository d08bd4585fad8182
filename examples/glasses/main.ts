/** Glasses on the live face, by three.js. */
import { createFaceObject, fitCamera, type FaceObject } from 'dve-sdk/three';
import {
  AmbientLight,
  BoxGeometry,
  Color,
  DirectionalLight,
  Group,
  Mesh,
  MeshPhysicalMaterial,
  MeshStandardMaterial,
  PerspectiveCamera,
  Scene,
  ShapeGeometry,
  Shape,
  TorusGeometry,
  WebGLRenderer,
} from 'three';
import { input } from '../shared/elements.ts';
import { fieldOfView, openStage, orSay, type StageFrame } from '../shared/stage.ts';

const scene = new Scene();
scene.add(new AmbientLight('#ffffff', 1.6));
const light = new DirectionalLight('#ffffff', 2.5);
light.position.set(20, 40, 60);
scene.add(light);
const camera = new PerspectiveCamera();
const frameMaterial = new MeshStandardMaterial({ color: '#111827', metalness: 0.3, roughness: 0.35 });
const glass = new MeshPhysicalMaterial({
  ...{ color: '#7dd3fc', transparent: true, opacity: 0.28, roughness: 0.05, depthWrite: false },
});

const disc = (radius: number): ShapeGeometry => {
  const shape = new Shape();
  shape.absarc(0, 0, radius, 0, 2 * Math.PI);
  return new ShapeGeometry(shape, 40);
};

/** In head coordinates, cm: where the mean face has its eyes, nose and ears. */
const createGlasses = (): Group => {
  const glasses = new Group();
  const radius = 2.5;
  for (const side of [-1, 1]) {
    const rim = new Mesh(new TorusGeometry(radius, 0.24, 14, 48), frameMaterial);
    const lens = new Mesh(disc(radius), glass);
    for (const part of [rim, lens]) {
      part.position.set(side * 3.25, 3.1, 11.6);
      part.rotation.y = side * 0.16;
    }
    const temple = new Mesh(new BoxGeometry(0.3, 0.5, 12), frameMaterial);
    temple.position.set(side * 6.6, 3.5, 5);
    temple.rotation.y = side * -0.13;
    const hinge = new Mesh(new BoxGeometry(1.3, 0.5, 0.4), frameMaterial);
    hinge.position.set(side * 5.9, 3.5, 11.1);
    glasses.add(rim, lens, temple, hinge);
  }
  const bridge = new Mesh(new TorusGeometry(0.85, 0.2, 10, 24, Math.PI), frameMaterial);
  bridge.position.set(0, 3.1, 11.8);
  glasses.add(bridge);
  return glasses;
};

let renderer: WebGLRenderer | undefined;
let head: FaceObject | undefined;

const openRenderer = (): WebGLRenderer => {
  try {
    return new WebGLRenderer({ canvas: document.createElement('canvas'), alpha: true, antialias: true });
  } catch (error) {
    throw new Error(
      'This browser has no WebGL, which three.js draws with. Try another one, or switch it on.',
      {
        cause: error,
      },
    );
  }
};

const drawGlasses = ({ face, context, width, height }: StageFrame): void => {
  renderer ??= openRenderer();
  if (face.status === 'searching') return;
  if (head === undefined) {
    head = createFaceObject(face.mesh);
    head.object.add(createGlasses());
    scene.add(head.object);
  }
  if (renderer.domElement.width !== width || renderer.domElement.height !== height) {
    renderer.setSize(width, height, false);
    fitCamera(camera, { width, height }, { width, height }, fieldOfView);
  }
  frameMaterial.color = new Color(input('colour').value);
  head.update(face);
  renderer.render(scene, camera);
  context.drawImage(renderer.domElement, 0, 0);
};

openStage(drawGlasses).catch(orSay);
addEventListener('pagehide', () => {
  head?.dispose();
  renderer?.dispose();
});
