/** The section `temporal`: its address, its TLS, its API key. */
import type { TemporalConfig } from './config.ts';
import { isLoopback } from './schema.ts';
import type { Draft, Section, SectionTools } from './section-tools.ts';

/** How Temporal is reached; clear text is refused beyond loopback. */
export async function readTemporal(tools: SectionTools, document: Section<'temporal'>): Promise<Draft<TemporalConfig>> {
  const { tls, apiKey, address, namespace } = document;
  const key = await tools.secret(apiKey, ['temporal', 'apiKey']);
  if (address !== undefined) checkAddress(tools, address, tools.written('temporal', 'tls'));
  if (tls !== undefined && (tls.certFile === undefined) !== (tls.keyFile === undefined)) {
    tools.mistake(['temporal', 'tls'], 'one of certFile and keyFile', 'both of them or none');
  }
  const ca = await tools.certificates(tls?.caFile, ['temporal', 'tls', 'caFile']);
  const crt = await tools.certificates(tls?.certFile, ['temporal', 'tls', 'certFile']);
  const pem = await tools.privateKey(tls?.keyFile, ['temporal', 'tls', 'keyFile']);
  return {
    address,
    namespace,
    ...(key === undefined ? {} : { apiKey: key }),
    ...(tls === undefined
      ? {}
      : {
          tls: {
            ...(tls.serverName === undefined ? {} : { serverNameOverride: tls.serverName }),
            ...(ca === undefined ? {} : { serverRootCACertificate: ca }),
            ...(crt === undefined || pem === undefined ? {} : { clientCertPair: { crt, key: pem } }),
          },
        }),
  };
}

function checkAddress(tools: SectionTools, address: string, tls: unknown): void {
  const [host, port] = [
    address.slice(0, address.lastIndexOf(':')),
    Number(address.slice(address.lastIndexOf(':') + 1)),
  ];
  if (port < 1 || port > 65_535) tools.mistake(['temporal', 'address'], `port ${String(port)}`, 'a port up to 65535');
  if (tls === undefined && !isLoopback(host))
    tools.mistake(['temporal', 'tls'], 'nothing', 'tls: {} or more, since the address is not on loopback');
}
