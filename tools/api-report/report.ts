import { rollup } from 'rollup';
import dts from 'rollup-plugin-dts';
import ts from 'typescript';

/** What users import from, and the source that it comes from. */
export const entries = {
  'dve-sdk': 'src/index.ts',
  'dve-sdk/pictures': 'src/pictures.ts',
  'dve-sdk/node': 'src/node.ts',
  'dve-sdk/train': 'src/train-web/index.ts',
  'dve-sdk/mediapipe': 'src/mediapipe/index.ts',
  'dve-sdk/puppet': 'src/puppet/index.ts',
  'dve-sdk/three': 'src/three/index.ts',
} as const;
export type EntryName = keyof typeof entries;

/** Where the report of an entry lies, from the project's root. */
export const reportPath = (name: EntryName): string => `api/${name.replaceAll('/', '-')}.api.md`;

/** All declarations that can be reached from an entry, in one text; the build writes the same to `dist`. */
export const declarationsOf = async (input: string): Promise<string> => {
  const bundle = await rollup({ input, external: (id) => /^(node:|@?[a-z])/.test(id), plugins: [dts()] });
  try {
    const { output } = await bundle.generate({ format: 'es' });
    return output[0].code;
  } finally {
    await bundle.close();
  }
};

const parse = (declarations: string): ts.SourceFile =>
  ts.createSourceFile('face.d.ts', declarations, ts.ScriptTarget.ES2022, true);

const nameOf = (statement: ts.Statement): string => {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations[0].name.getText();
  const { name } = statement as ts.Statement & { name?: ts.Node };
  return name?.getText() ?? '';
};

/** Names that an entry exports, as {@link parse} sees them: `export { a, type B }` closes the file. */
const exportedNames = (file: ts.SourceFile): Set<string> =>
  new Set(
    file.statements.flatMap((statement) =>
      ts.isExportDeclaration(statement) && statement.exportClause && ts.isNamedExports(statement.exportClause)
        ? statement.exportClause.elements.map((element) => (element.propertyName ?? element.name).text)
        : [],
    ),
  );

const order = (statement: ts.Statement): string =>
  ts.isImportDeclaration(statement) ? '0' : ts.isExportDeclaration(statement) ? '2' : `1${nameOf(statement)}`;

/**
 * The face of an entry without its comments, in the order of the names: what changes it changes this text.
 * @param declarations of {@link declarationsOf}
 */
export const reportOf = (name: EntryName, declarations: string): string => {
  const file = parse(declarations);
  const printer = ts.createPrinter({ removeComments: true, newLine: ts.NewLineKind.LineFeed });
  const statements = [...file.statements]
    .sort((a, b) => (order(a) < order(b) ? -1 : order(a) > order(b) ? 1 : 0))
    .map((statement) => printer.printNode(ts.EmitHint.Unspecified, statement, file));
  return [
    `# ${name}`,
    '',
    'What this entry of the package exports. `npm run api` writes this file; a test compares it.',
    '',
    '```ts',
    ...statements,
    '```',
    '',
  ].join('\n');
};

const isDocumented = (node: ts.Node): boolean => ts.getJSDocCommentsAndTags(node).length > 0;

/** A constant that tells the cases of a union apart speaks for itself, and so does the name of an error. */
const speaksForItself = (member: ts.PropertySignature | ts.PropertyDeclaration): boolean =>
  ts.isPropertyDeclaration(member)
    ? member.name.getText() === 'name' && member.parent.heritageClauses !== undefined
    : member.type !== undefined && ts.isLiteralTypeNode(member.type);

/** Members of a type or class without a docstring, as `Type.member`. */
const undocumentedMembers = (owner: string, node: ts.Node): string[] => {
  const found: string[] = [];
  const visit = (child: ts.Node): void => {
    const isProperty = ts.isPropertySignature(child) || ts.isPropertyDeclaration(child);
    const isMethod = ts.isMethodSignature(child) || ts.isMethodDeclaration(child);
    if ((isProperty || isMethod) && ts.isIdentifier(child.name)) {
      const isPrivate = (ts.getCombinedModifierFlags(child) & ts.ModifierFlags.Private) !== 0;
      const isClear = isPrivate || isDocumented(child) || (isProperty && speaksForItself(child));
      if (!isClear) found.push(`${owner}.${child.name.text}`);
    }
    ts.forEachChild(child, visit);
  };
  ts.forEachChild(node, visit);
  return found;
};

/**
 * Public symbols without a docstring: exported names, and members of exported types.
 * @param declarations of {@link declarationsOf}
 */
export const undocumented = (declarations: string): { symbols: string[]; members: string[] } => {
  const file = parse(declarations);
  const exported = exportedNames(file);
  const declared = file.statements.filter((statement) => exported.has(nameOf(statement)));
  return {
    symbols: declared.filter((statement) => !isDocumented(statement)).map(nameOf),
    // The members of a constant are values; its own docstring tells what they are.
    members: declared
      .filter((statement) => !ts.isVariableStatement(statement))
      .flatMap((statement) => undocumentedMembers(nameOf(statement), statement)),
  };
};
