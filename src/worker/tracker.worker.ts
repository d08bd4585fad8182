import { expose } from 'comlink';
import { TrackerService } from './service.ts';

expose(new TrackerService());
