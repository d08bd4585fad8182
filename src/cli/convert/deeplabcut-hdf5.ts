/**
 * DeepLabCut's HDF5: a table that pandas has written in its "fixed" layout, which DeepLabCut uses for labelled pictures
 * (`CollectedData_*.h5`). Columns have an index of several levels, and an index is stored as its levels (the texts that
 * occur) and its labels (which of them, entry by entry).
 */
import { InputError } from '../../errors.ts';
import { headerNames, tableToKeypoints, type DeepLabCutTable } from './deeplabcut.ts';
import { loadHdf5, textsOf } from './hdf5.ts';
import type { ConvertOptions, Keypoints } from './keypoints.ts';

const tableName = 'df_with_missing';
const pandasVersion = '0.15.2';

type File = InstanceType<Awaited<ReturnType<typeof loadHdf5>>['File']>;

const attributeOf = (file: File, path: string, name: string): unknown => file.get(path)?.attrs[name]?.value;

/** The group that pandas has written, if there is one. */
const findPandasTable = (file: File): string | undefined =>
  file.keys().find((name) => String(attributeOf(file, name, 'pandas_type')).startsWith('frame'));

/** Cells of an index, level by level, and what each level is called. */
const readIndex = (file: File, path: string): { names: string[]; levels: string[][] } => {
  const count = Number(
    attributeOf(file, path.slice(0, path.lastIndexOf('/')), `${lastName(path)}_nlevels`) ?? 0,
  );
  if (count === 0)
    return {
      names: [''],
      levels: [textsOf(Array.from((file.get(path)?.value ?? []) as ArrayLike<unknown>))],
    };
  const numbers = Array.from({ length: count }, (_, level) => level);
  return {
    names: numbers.map((level) => textsOf(attributeOf(file, `${path}_level${level}`, 'name'))[0]),
    levels: numbers.map((level) => {
      const texts = textsOf(
        Array.from((file.get(`${path}_level${level}`)?.value ?? []) as ArrayLike<unknown>),
      );
      const labels = (file.get(`${path}_label${level}`)?.value ?? []) as ArrayLike<number>;
      return Array.from(labels, (label) => texts[label] ?? '');
    }),
  };
};

const lastName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

const readTable = (file: File, path: string): DeepLabCutTable => {
  const table = findPandasTable(file);
  const kind = table === undefined ? '' : String(attributeOf(file, table, 'pandas_type'));
  if (table !== undefined && kind.startsWith('frame_table')) {
    throw new InputError(
      `${path} holds what a network found, in a layout that only pandas reads. Let DeepLabCut write a CSV file of it (analyze_videos_converth5_to_csv) and give that.`,
    );
  }
  const values = table === undefined ? null : file.get(`${table}/block0_values`);
  const [rows = 0, columns = 0] = values?.shape ?? [];
  if (
    table === undefined ||
    values === null ||
    rows === 0 ||
    Number(attributeOf(file, table, 'nblocks')) !== 1
  ) {
    throw new InputError(
      `${path} has no table of labelled points. Give a CollectedData file of DeepLabCut (HDF5 or CSV).`,
    );
  }
  const header = readIndex(file, `${table}/block0_items`);
  const places = readIndex(file, `${table}/axis1`);
  const before = places.levels.map(() => '');
  const data = values.value as ArrayLike<number>;
  const cellOf = (value: number): string => (Number.isFinite(value) ? String(value) : '');
  return {
    header: new Map(
      header.names.flatMap((name, level) =>
        headerNames.includes(name) ? [[name, [...before, ...header.levels[level]].with(0, name)]] : [],
      ),
    ),
    rows: Array.from({ length: rows }, (_, row) => [
      ...places.levels.map((level) => level[row] ?? ''),
      ...Array.from({ length: columns }, (__, column) => cellOf(data[row * columns + column])),
    ]),
  };
};

/** @throws InputError that names the file and what is wrong with it */
export const readDeepLabCutHdf5 = async (path: string, options: ConvertOptions): Promise<Keypoints> => {
  const { File } = await loadHdf5();
  const file = new File(path, 'r');
  try {
    return tableToKeypoints(readTable(file, path), path, options);
  } finally {
    file.close();
  }
};

/** Whether a file holds a table of pandas, as DeepLabCut's do. */
export const holdsPandasTable = async (path: string): Promise<boolean> => {
  const { File } = await loadHdf5();
  const file = new File(path, 'r');
  try {
    return findPandasTable(file) !== undefined;
  } finally {
    file.close();
  }
};

/** As labelled pictures, in the layout of `CollectedData_*.h5`: `pandas.read_hdf` reads it. */
export const writeDeepLabCutHdf5 = async (path: string, { header, rows }: DeepLabCutTable): Promise<void> => {
  const { File } = await loadHdf5();
  const file = new File(path, 'w');
  try {
    const text = (at: string, name: string, value: string): void => {
      file.get(at)?.create_attribute(name, value, [], `S${Math.max(1, Buffer.byteLength(value))}`);
    };
    const whole = (at: string, name: string, value: number): void => {
      file.get(at)?.create_attribute(name, BigInt64Array.of(BigInt(value)), [], '<q');
    };
    const texts = (name: string, data: readonly string[]): void => {
      const longest = Math.max(1, ...data.map((one) => Buffer.byteLength(one)));
      file.create_dataset({ name: `${tableName}/${name}`, data, shape: [data.length], dtype: `S${longest}` });
      text(`${tableName}/${name}`, 'kind', 'string');
    };
    file.create_group(tableName);
    text(tableName, 'pandas_type', 'frame');
    text(tableName, 'pandas_version', pandasVersion);
    text(tableName, 'encoding', 'UTF-8');
    text(tableName, 'errors', 'strict');
    whole(tableName, 'ndim', 2);
    whole(tableName, 'nblocks', 1);
    for (const axis of ['axis0', 'block0_items']) {
      text(tableName, `${axis}_variety`, 'multi');
      whole(tableName, `${axis}_nlevels`, header.size);
      [...header].forEach(([name, cells], level) => {
        const entries = cells.slice(1);
        const levels = [...new Set(entries)];
        texts(`${axis}_level${level}`, levels);
        text(`${tableName}/${axis}_level${level}`, 'name', name);
        file.create_dataset({
          name: `${tableName}/${axis}_label${level}`,
          data: Int32Array.from(entries, (entry) => levels.indexOf(entry)),
          shape: [entries.length],
        });
      });
    }
    text(tableName, 'axis1_variety', 'regular');
    texts(
      'axis1',
      rows.map(([place]) => place),
    );
    const columns = ([...header.values()][0]?.length ?? 1) - 1;
    const values = rows.flatMap((cells) => cells.slice(1).map((one) => (one === '' ? NaN : Number(one))));
    file.create_dataset({
      name: `${tableName}/block0_values`,
      data: Float64Array.from(values),
      shape: [rows.length, columns],
    });
    // Stored row by row, as pandas does for tables of one kind of value.
    whole(`${tableName}/block0_values`, 'transposed', 1);
  } finally {
    file.close();
  }
};
