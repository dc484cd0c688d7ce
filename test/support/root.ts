import { dirname } from 'node:path';

/** The project's root folder. */
export const root: string = dirname(dirname(import.meta.dirname));
