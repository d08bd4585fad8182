import { expose } from 'comlink';
import { TrainService } from './train-service.ts';

expose(new TrainService());
