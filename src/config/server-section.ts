/** The section `servers`: the instance's and the hub's, each with its credentials. */
import type { ServerConfig } from './config.ts';
import type { Path } from './problems.ts';
import type { Draft, Section, SectionTools } from './section-tools.ts';

type Servers = Section<'servers'>;

/** Both servers; a hub that is the instance is a mistake. */
export async function readServers(
  tools: SectionTools,
  document: Servers | undefined,
): Promise<{ instance: Draft<ServerConfig>; hub: Draft<ServerConfig> }> {
  if (document !== undefined) requireTwo(tools, document);
  return {
    instance: await readServer(tools, document?.instance, ['servers', 'instance']),
    hub: await readServer(tools, document?.hub, ['servers', 'hub']),
  };
}

/** A hub that is the instance would be fed with its own data, de-identified. */
function requireTwo(tools: SectionTools, { instance, hub }: Servers): void {
  if (instance?.url === undefined || hub?.url === undefined) return;
  if (withoutSlash(instance.url) === withoutSlash(hub.url))
    tools.mistake(['servers', 'hub', 'url'], 'the address of servers.instance', 'another server');
}

async function readServer(tools: SectionTools, document: Servers['hub'], path: Path): Promise<Draft<ServerConfig>> {
  const url = withoutSlash(document?.url ?? '');
  const ca = await tools.certificates(document?.caFile, [...path, 'caFile']);
  const common = { url, ...(ca === undefined ? {} : { ca: ca.toString('utf8') }) };
  const auth = document?.auth;
  if (auth === undefined) return common;
  if ('basic' in auth) {
    const secret = await tools.secret(auth.basic?.secret, [...path, 'auth', 'basic', 'secret']);
    return { ...common, auth: { kind: 'basic', client: auth.basic?.client, secret } };
  }
  if (!('clientCredentials' in auth)) return common;
  const { client, secret, tokenUrl = `${url}/auth/token` } = auth.clientCredentials ?? {};
  const text = await tools.secret(secret, [...path, 'auth', 'clientCredentials', 'secret']);
  return { ...common, auth: { kind: 'client-credentials', client, secret: text, tokenUrl } };
}

const withoutSlash = (url: string): string => url.replace(/\/+$/, '');
