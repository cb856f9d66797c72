import { simulate } from './parts.ts';

simulate(0, 2);
