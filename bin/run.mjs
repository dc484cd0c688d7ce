// node bin/run.mjs vitest run ...      a development tool's binary, under Node 26
// node bin/run.mjs test/bench/main.ts  a script, under Node 26
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { root, runNode26 } from './node26.mjs';

const [what, ...rest] = process.argv.slice(2);
if (what === undefined) {
  console.error('usage: node bin/run.mjs TOOL|SCRIPT [ARG...]');
  process.exit(2);
}

/** The JavaScript file behind node_modules/.bin/NAME, read from the owning package's "bin" field. */
function toolScript(name) {
  const link = join(root, 'node_modules', '.bin', name);
  if (!existsSync(link)) {
    console.error(`podwire: ${name} is not installed: run npm install first`);
    process.exit(1);
  }
  let folder = dirname(realpathSync(link));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return join(folder, typeof bin === 'string' ? bin : bin[name]);
}

runNode26([existsSync(resolve(what)) ? resolve(what) : toolScript(what), ...rest]);
