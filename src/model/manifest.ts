/** One file of a model directory. */
export type ManifestFile = {
  /** File name inside the model directory. */ name: string;
  /** Size, bytes. */ bytes: number;
  /** SHA-256 of the content, lower-case hex. */ sha256: string;
};

/** `manifest.json`: everything that training and tracking must share. Nothing of it is repeated in code. */
export type Manifest = {
  formatVersion: 1;
  /** What the network embeds, for example `face`. */ category: string;
  /** Side S of the square network input, pixels. */ inputSize: number;
  /** Crop pixels per cell of the embedding map. */ stride: number;
  /** Channels C of the embedding. */ embeddingSize: number;
  /** Softmax temperature of the matching, on cosine similarity. */ temperature: number;
  /** ROI side over object size (the longer side of the box of its landmarks). */ cropMargin: number;
  files: {
    /** fp32 network. */ model: ManifestFile;
    /** The same network with 8-bit weights and activations, for wasm. */ int8?: ManifestFile;
    /** Landmark set with reference embeddings. */ landmarks?: ManifestFile;
  };
};
