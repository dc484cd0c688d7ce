import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions, type TlsOptions } from 'node:tls';
import { portErrorFrom } from '../io/errors.ts';

/** What a store server needs for TLS. */
export interface ServerTls {
  readonly options: TlsOptions;
  /** Clients must show a certificate that the CA signed; its common name is their user. */
  readonly clientCertAuth: boolean;
}

/** Files in PEM, as etcd's --cert-file, --key-file, --trusted-ca-file. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  readonly clientCertAuth: boolean;
}

/**
 * Reads the files of a TLS server.
 * @throws Error with one line that names the file and what is wrong with it.
 */
export function loadServerTls(files: TlsFiles): ServerTls {
  const { clientCertAuth } = files;
  const cert = readPem(files.cert, 'certificate');
  const key = readPem(files.key, 'private key');
  const ca = files.ca === undefined ? undefined : readPem(files.ca, 'CA certificate');
  if (ca !== undefined) parseCertificate(files.ca!, ca);
  parseCertificate(files.cert, cert);
  const options: TlsOptions = {
    cert,
    key,
    ...(ca === undefined ? {} : { ca }),
    ALPNProtocols: ['h2', 'http/1.1'],
    minVersion: 'TLSv1.2',
    requestCert: clientCertAuth,
    rejectUnauthorized: clientCertAuth,
  };
  checkPair(options, files);
  return { options, clientCertAuth };
}

/** Files in PEM of a client of TLS, all as they are needed. */
export interface ClientTlsFiles {
  /** The CA that servers' certificates must be signed by; default: those that Node trusts. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/**
 * Reads the files of a TLS client; what comes is PEM.
 * @throws Error with one line that names the file and what is wrong with it.
 */
export function loadClientTls(files: ClientTlsFiles): ClientTlsFiles {
  const ca = files.ca === undefined ? undefined : readPem(files.ca, 'CA certificate');
  if (ca !== undefined) parseCertificate(files.ca!, ca);
  const trusted = ca === undefined ? {} : { ca };
  if (files.cert === undefined || files.key === undefined) return trusted;
  const cert = readPem(files.cert, 'certificate');
  const key = readPem(files.key, 'private key');
  parseCertificate(files.cert, cert);
  checkPair({ cert, key }, { cert: files.cert, key: files.key });
  return { ...trusted, cert, key };
}

/** @throws Error where the key is not the certificate's. */
function checkPair(
  options: SecureContextOptions,
  files: { readonly cert: string; readonly key: string },
): void {
  try {
    createSecureContext(options);
  } catch (error) {
    throw new Error(`${files.key}: not the private key of ${files.cert} (${(error as Error).message})`);
  }
}

function readPem(path: string, what: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw portErrorFrom(`read the TLS ${what} ${path}`, error);
  }
  if (!text.includes('-----BEGIN ')) throw new Error(`${path}: expected a TLS ${what} in PEM`);
  return text;
}

function parseCertificate(path: string, pem: string): void {
  try {
    new X509Certificate(pem);
  } catch (error) {
    throw new Error(`${path}: expected a certificate in PEM (${(error as Error).message})`);
  }
}
