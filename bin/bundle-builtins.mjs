/**
 * Plugin of the bundler: modules get Node's own ones from `process.getBuiltinModule`. An import reads every export to
 * bind it, and reading `fs.promises` or `http.WebSocket` loads dozens of modules of Node's that nobody wants.
 */
export const builtins = {
  name: 'builtins',

  resolveId(id, importer, { kind }) {
    // What the bundler adds itself comes before all other modules.
    const added = importer?.startsWith('\0') ?? true;
    if (added || kind === 'require-call' || !id.startsWith('node:')) return undefined;
    return { id: `\0${id}`, moduleSideEffects: false };
  },

  load(id) {
    if (!id.startsWith('\0node:')) return undefined;
    const name = id.slice(1);
    const names = Object.keys(process.getBuiltinModule(name)).filter((each) => each !== 'default');
    return [
      `const $builtin = process.getBuiltinModule('${name}');`,
      'const $read = (name) => $builtin[name];',
      'export default $builtin;',
      ...names.map((each) => `export const ${each} = /* @__PURE__ */ $read('${each}');`),
    ].join('\n');
  },
};
