/** The page as `dve label` serves it. */
import { startLabelling } from './label-page.ts';
import { showProblem } from './page.ts';
import { connectHost } from './served-host.ts';

const start = async (): Promise<void> => {
  await startLabelling(await connectHost(showProblem));
};
start().catch(showProblem);
