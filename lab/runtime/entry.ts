import { fileURLToPath } from 'node:url';

/** Source files run as they are in a checkout; an installed package has emitted JavaScript in their place. */
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** Path of the module that a supervisor runs as an agent's process. */
export const agentEntry: string = fileURLToPath(new URL(`../../agents/main.${extension}`, import.meta.url));

/** Path of the command line's module. */
export const commandEntry: string = fileURLToPath(new URL(`../main.${extension}`, import.meta.url));
