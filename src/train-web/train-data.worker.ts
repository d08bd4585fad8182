import { expose } from 'comlink';
import { DataService } from './data-service.ts';

expose(new DataService());
