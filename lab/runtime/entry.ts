import { fileURLToPath } from 'node:url';

/** Source files run as they are in a checkout; an installed package has emitted JavaScript in their place. */
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** Path of the module that a supervisor runs as an agent's process. */
export const agentEntry: string = fileURLToPath(new URL(`../../agents/main.${extension}`, import.meta.url));

/** Path of the module that `podwire up -d` runs as the lab's process. */
export const daemonEntry: string = fileURLToPath(new URL(`./daemon.${extension}`, import.meta.url));
