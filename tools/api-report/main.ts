// `npm run api`: writes what each entry of the package exports to api/, so that a change of the face is seen in review.
import { mkdir, writeFile } from 'node:fs/promises';
import { declarationsOf, entries, reportOf, reportPath, type EntryName } from './report.ts';

await mkdir('api', { recursive: true });
for (const [name, input] of Object.entries(entries) as [EntryName, string][]) {
  await writeFile(reportPath(name), reportOf(name, await declarationsOf(input)));
  console.log(`wrote ${reportPath(name)}`);
}
