/** URLs of the parts of the worker that are files of their own. */
export type PartUrls = Readonly<
  Record<'pictures' | 'objects' | 'motion' | 'device' | 'gpu' | 'frames' | 'faults', string>
>;
