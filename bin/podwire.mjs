#!/usr/bin/env node
import { pathToFileURL } from 'node:url';
import { compileCache, isCurrent, require, runNode26 } from './node26.mjs';
import { mainModule } from './program.mjs';

const main = mainModule();
if (isCurrent) {
  // As runNode26 does it. Where the folder cannot be written, it starts without.
  if (process.env.NODE_COMPILE_CACHE === undefined) require('node:module').enableCompileCache(compileCache);
  process.argv[1] = main;
  await import(pathToFileURL(main).href);
} else {
  runNode26([main, ...process.argv.slice(2)]);
}
