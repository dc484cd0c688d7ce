// Loaded into a podwire (node --import): once it is about to listen, prints what it has loaded so far, and ends it.
import { registerHooks } from 'node:module';
import { Server } from 'node:net';

const files: string[] = [];
registerHooks({
  load(url, context, next) {
    if (url.startsWith('file:')) files.push(url);
    return next(url, context);
  },
});

/** Modules of Node's, as `NativeModule http`. */
const loadedByNode = (process as unknown as { readonly moduleLoadList: readonly string[] }).moduleLoadList;

Server.prototype.listen = (): never => {
  process.stdout.write(JSON.stringify({ files, builtins: loadedByNode }));
  process.exit(0);
};
