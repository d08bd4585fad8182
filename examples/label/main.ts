/** Points clicked in frames of videos: the page as `npm start` serves it. */
import { createBrowserHost } from './browser-host.ts';
import { startLabelling } from './label-page.ts';
import { showProblem } from './page.ts';

// Another model than the package's own: ?model=URL of its folder.
const model = new URLSearchParams(location.search).get('model') ?? undefined;
startLabelling(createBrowserHost(model)).catch(showProblem);
