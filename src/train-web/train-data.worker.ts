import { expose } from '../worker/rpc.ts';
import { DataService } from './data-service.ts';

expose(new DataService());
