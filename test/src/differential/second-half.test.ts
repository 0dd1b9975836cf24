import { describeDifferential } from './describe-differential.ts';

describeDifferential(1);
