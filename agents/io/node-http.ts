/**
 * `node:http`, a tenth of a second sooner: an import of it reads every export to bind it, and reading `WebSocket` loads
 * Node's whole fetch and WebSocket code.
 */
export const http: typeof import('node:http') = process.getBuiltinModule('node:http');
