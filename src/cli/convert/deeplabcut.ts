/** DeepLabCut's CSV: labelled pictures (`CollectedData_*.csv`), or what its networks found in a video. */
import { InputError } from '../../errors.ts';
import { lastPart, type ConvertOptions, type KeypointRow, type Keypoints } from './keypoints.ts';

/** Rows above the points that say what each column holds, as DeepLabCut calls them. */
export const headerNames: readonly string[] = ['scorer', 'individuals', 'bodyparts', 'coords'];

/** A table of points: what its CSV holds, and what its HDF5 does. */
export type DeepLabCutTable = {
  /** Cells of each header row by its name, which is the first of them; as many before the columns as rows have. */
  header: ReadonlyMap<string, string[]>;
  /** Cells of each picture: where it is, in one cell or several, then its columns; '' for nothing. */ rows: string[][];
};

/** Cells of a line; quoted ones may hold commas. */
const cellsOf = (line: string): string[] => {
  const cells: string[] = [];
  for (const [, quoted, plain] of line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)) {
    cells.push(((quoted as string | undefined)?.replaceAll('""', '"') ?? plain).trim());
  }
  return cells;
};

const cell = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Where a body part's columns are. */
type Columns = { name: string; x: number; y: number; likelihood: number | undefined };

/** @returns columns of the first individual, and how many cells stand before all columns */
const columnsOf = (header: ReadonlyMap<string, string[]>, path: string, { onNote }: ConvertOptions) => {
  const [parts, coords, individuals] = ['bodyparts', 'coords', 'individuals'].map((key) => header.get(key));
  if (parts === undefined || coords === undefined) {
    throw new InputError(
      `${path} has no rows "bodyparts" and "coords" at its beginning. Give a file of DeepLabCut.`,
    );
  }
  const first = coords.indexOf('x');
  const animal = individuals?.[first];
  if (individuals !== undefined && new Set(individuals.slice(first)).size > 1) {
    onNote(`${path} has several individuals: ${animal} is taken`);
  }
  const columns: Columns[] = [];
  for (let x = first; x >= 0 && x < coords.length; x++) {
    if (coords[x] !== 'x' || individuals?.[x] !== animal) continue;
    const likelihood = coords[x + 2] === 'likelihood' ? x + 2 : undefined;
    columns.push({ name: parts[x], x, y: x + 1, likelihood });
  }
  if (columns.length === 0) throw new InputError(`${path} has no column "x". Give a CSV file of DeepLabCut.`);
  return { columns, first };
};

/** The first cells name the picture, in one cell or in three, or the frame by its number. */
const placeOf = (cells: readonly string[], video: string | undefined): Omit<KeypointRow, 'points'> => {
  const name = lastPart(cells.join('/'));
  if (/^\d+$/.test(name)) return { ...(video === undefined ? {} : { video }), frame: Number(name) };
  // DeepLabCut calls the frames that it takes out of a video by their numbers.
  const frame = /^img(\d+)\.png$/.exec(name)?.[1];
  return video !== undefined && frame !== undefined ? { video, frame: Number(frame) } : { picture: name };
};

/** @throws InputError that names the file and what is wrong with it */
export const readDeepLabCut = (text: string, path: string, options: ConvertOptions): Keypoints => {
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map(cellsOf);
  const header = new Map(
    lines.slice(0, 4).flatMap((cells) => (headerNames.includes(cells[0]) ? [[cells[0], cells]] : [])),
  );
  return tableToKeypoints({ header, rows: lines.slice(header.size) }, path, options);
};

/** @throws InputError for a table without the names that DeepLabCut gives to its rows */
export const tableToKeypoints = (
  table: DeepLabCutTable,
  path: string,
  options: ConvertOptions,
): Keypoints => {
  const { columns, first } = columnsOf(table.header, path, options);
  const rows = table.rows.map((cells): KeypointRow => {
    const numberAt = (column: number): number => (cells[column] === '' ? NaN : Number(cells[column]));
    const confidences = columns.flatMap(({ likelihood }) =>
      likelihood === undefined ? [] : [numberAt(likelihood)],
    );
    return {
      ...placeOf(cells.slice(0, first), options.video),
      points: columns.map(({ x, y }, n) => {
        const point = { x: numberAt(x), y: numberAt(y) };
        const isSure = (confidences.at(n) ?? 1) >= options.least;
        return Number.isFinite(point.x + point.y) && isSure ? point : null;
      }),
      ...(confidences.length === columns.length ? { confidences } : {}),
    };
  });
  const shown = rows.filter(({ points }) => points.some((point) => point !== null));
  return { names: columns.map(({ name }) => name), connections: [], rows: shown };
};

/** As labelled pictures, with the place of each in one cell. @param scorer who labelled */
export const keypointsToTable = ({ names, rows }: Keypoints, scorer = 'dve-sdk'): DeepLabCutTable => {
  const columns = (of: (name: string, coordinate: string) => string): string[] =>
    names.flatMap((name) => ['x', 'y'].map((coordinate) => of(name, coordinate)));
  return {
    header: new Map([
      ['scorer', ['scorer', ...columns(() => scorer)]],
      ['bodyparts', ['bodyparts', ...columns((name) => name)]],
      ['coords', ['coords', ...columns((_, coordinate) => coordinate)]],
    ]),
    rows: rows.map(({ picture, video, frame, points }) => {
      const folder = video === undefined ? 'pictures' : video.replace(/\.[^.]*$/, '');
      const name = picture ?? `img${String(frame).padStart(5, '0')}.png`;
      const values = points.flatMap((point) => (point === null ? ['', ''] : [point.x, point.y].map(String)));
      return [`labeled-data/${folder}/${name}`, ...values];
    }),
  };
};

/** In the layout of `CollectedData_*.csv`. */
export const writeDeepLabCut = ({ header, rows }: DeepLabCutTable): string =>
  [...[...header.values(), ...rows].map((cells) => cells.map(cell).join(',')), ''].join('\n');
