import { expose } from './rpc.ts';
import { TrackerService } from './service.ts';

expose(new TrackerService());
