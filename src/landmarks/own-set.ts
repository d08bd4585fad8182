import { parseLandmarkSet, type LandmarkSet } from './landmark-set.ts';

/** What is read of a model directory; see `readModelDirectory`. */
type ReadDirectory = {
  manifest: { files: { landmarks?: { name: string } } };
  contents: { landmarks?: Uint8Array };
};

/** The model's own set; undefined where it has none. @throws ModelError for a set that is damaged */
export const ownSetOf = ({ contents, manifest }: ReadDirectory): LandmarkSet | undefined => {
  const text = contents.landmarks;
  return text && parseLandmarkSet(new TextDecoder().decode(text), manifest.files.landmarks?.name);
};
