import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of podwire's package.json, in a checkout and in an installed package alike. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new Error('podwire is not installed completely: no package.json above lab/cli');
    folder = parent;
  }
  return folder;
}

/** Version of podwire. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}

/** The lab that `podwire up` brings up when no file is named. */
export function defaultLabFile(): string {
  return join(packageRoot(), 'lab', 'examples', 'calico-rr.yaml');
}
