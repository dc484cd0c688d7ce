#!/usr/bin/env node
import { existsSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { compileCache, isCurrent, root, runNode26 } from './node26.mjs';

// A checkout runs its TypeScript as it is; an installed package runs the emitted JavaScript, because Node strips no
// types below node_modules.
const source = join(root, 'lab', 'main.ts');
const main = existsSync(source) ? source : join(root, 'dist', 'lab', 'main.js');
if (isCurrent) {
  // As runNode26 does it. Where the folder cannot be written, it starts without.
  if (process.env.NODE_COMPILE_CACHE === undefined) module.enableCompileCache(compileCache);
  const { pathToFileURL } = await import('node:url');
  process.argv[1] = main;
  await import(pathToFileURL(main).href);
} else {
  runNode26([main, ...process.argv.slice(2)]);
}
