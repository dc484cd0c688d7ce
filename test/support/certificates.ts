import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Puts a CA's certificate into a folder (`ca.crt`), and certificates of `server`, good for 127.0.0.1, and `alice` that it signed, each
 * with its key (`server.crt`, `server.key`, ...). `openssl` is the program that makes them.
 */
export function makeCertificates(openssl: string, folder: string): void {
  const ssl = (...args: string[]): void => {
    execFileSync(openssl, args, { cwd: folder, stdio: 'ignore' });
  };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  ssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=ca', '-days', '2');
  writeFileSync(join(folder, 'extensions'), 'subjectAltName=IP:127.0.0.1');
  for (const name of ['server', 'alice']) {
    ssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
    ssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, '-extfile', 'extensions', ...signed);
  }
}
