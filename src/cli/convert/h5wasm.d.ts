/** What is used of h5wasm, an optional peer: the project compiles where it is not installed. */
declare module 'h5wasm/node' {
  type Value = ArrayLike<number> | ArrayLike<bigint> | string | readonly unknown[] | null;
  type Dataset = {
    shape: number[] | null;
    value: Value;
    to_array(): unknown;
    attrs: Readonly<Record<string, { value: unknown } | undefined>>;
    create_attribute(
      name: string,
      data: string | BigInt64Array,
      shape?: readonly number[],
      dtype?: string,
    ): void;
  };
  export class File {
    constructor(path: string, mode: 'r' | 'w');
    get(name: string): Dataset | null;
    keys(): string[];
    create_dataset(of: {
      name: string;
      data: ArrayLike<number> | readonly string[] | string;
      shape?: readonly number[];
      dtype?: string;
    }): unknown;
    create_group(name: string): unknown;
    close(): number;
  }
  const library: { ready: Promise<unknown>; File: typeof File };
  export default library;
}
