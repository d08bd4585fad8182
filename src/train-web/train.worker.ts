import { expose } from '../worker/rpc.ts';
import { TrainService } from './train-service.ts';

expose(new TrainService());
