// Which podwire there is to run: the bundle in dist/, or the sources of a checkout as they are.
// Plain JavaScript on purpose, and little of it: it runs at every start, before anything can strip types.
import { join } from 'node:path';
import { require, root } from './node26.mjs';

const { existsSync, readFileSync, statSync } = require('node:fs');

/** What the bundle was made of: path below the root, size and time of change in ms of each file. */
export const builtFrom = join(root, 'dist', 'built-from.json');

/**
 * Absolute path of podwire's main module. An installed package has only the bundle, Node strips no types below
 * node_modules. A checkout runs its bundle as long as that is what its sources say, and its sources from the first
 * change on until the next `npm run build`: what runs is never older than what can be read.
 */
export function mainModule() {
  const source = join(root, 'lab', 'main.ts');
  return existsSync(source) && !isBundleCurrent() ? source : join(root, 'dist', 'lab', 'main.js');
}

function isBundleCurrent() {
  let files;
  try {
    files = JSON.parse(readFileSync(builtFrom, 'utf8'));
  } catch {
    return false;
  }
  return files.every(([path, size, changed]) => {
    const found = statSync(`${root}/${path}`, { throwIfNoEntry: false });
    return found !== undefined && found.size === size && found.mtimeMs === changed;
  });
}
