import { simulate } from './parts.ts';

simulate(1, 2);
