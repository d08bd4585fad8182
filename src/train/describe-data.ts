import type { AnnotatedPicture } from './batch/sources.ts';
import type { PictureSet } from './views/pictures.ts';

/**
 * What tells the data of one training from another's; its SHA-256 is kept in checkpoints.
 * @param mode how the videos are used
 */
export const describeData = (
  set: PictureSet | undefined,
  videos: readonly { name: string; bytes: number }[],
  mode: string,
  annotated: readonly AnnotatedPicture[],
): string => {
  let text = '';
  for (const { file, width, height } of set?.pictures ?? []) text += `${file} ${width} ${height}\n`;
  for (const { name, bytes } of videos) text += `${name} ${bytes}\n`;
  if (videos.length > 0) text += mode;
  if (annotated.length > 0) text += JSON.stringify(annotated);
  return text;
};
