/** How a picture is shown to FaceLandmarker: drawn into the middle of a square canvas. */
export type ViewPose = {
  /** Side of the canvas, pixels. */ side: number;
  /** Canvas pixels per picture pixel. */ scale: number;
  /** Clockwise on screen, radians. */ rotation: number;
};

/** (478) x, y, depth in canvas pixels; smaller depth is nearer. */
export type MeshView = [number, number, number][];

export type PageResult = {
  /** Of the picture, pixels. */ width: number;
  height: number;
  /** One per pose; null where no face was found. */ views: (MeshView | null)[];
};

/** What the page offers. */
export type PageApi = { annotate: (url: string, poses: readonly ViewPose[]) => Promise<PageResult> };
