/** The sections `staging` and `state`: a folder or a bucket, a file or a PostgreSQL. */
import type { BucketConfig, Config, DatabaseConfig } from './config.ts';
import { isLoopback } from './schema.ts';
import type { Draft, Section, SectionTools } from './section-tools.ts';

/** Where batches are staged. */
export async function readStaging(
  tools: SectionTools,
  document: Section<'staging'> | undefined,
): Promise<Draft<Pick<Config, 'stagingFolder' | 'stagingBucket'>>> {
  if (document === undefined || !('s3' in document)) {
    const { folder = '' } = (document ?? {}) as { folder?: string };
    return { stagingFolder: tools.resolve(folder) };
  }
  const { caFile, accessKeyId, secretAccessKey, ...plain } = document.s3 ?? {};
  const path = ['staging', 's3'];
  const written = Object.keys(tools.written('staging', 's3') ?? {});
  if (written.includes('accessKeyId') !== written.includes('secretAccessKey'))
    tools.mistake(path, 'one of accessKeyId and secretAccessKey', 'both of them or none');
  const ca = await tools.certificates(caFile, [...path, 'caFile']);
  const id = await tools.secret(accessKeyId, [...path, 'accessKeyId']);
  const key = await tools.secret(secretAccessKey, [...path, 'secretAccessKey']);
  const bucket = {
    ...plain,
    ...(ca === undefined ? {} : { ca: ca.toString('utf8') }),
    ...(id === undefined || key === undefined ? {} : { credentials: { accessKeyId: id, secretAccessKey: key } }),
  };
  // What is missing in it stands among the mistakes.
  return { stagingFolder: '', stagingBucket: bucket as BucketConfig };
}

/** Where the site's state is kept. */
export async function readState(
  tools: SectionTools,
  document: Section<'state'> | undefined,
): Promise<Draft<Pick<Config, 'stateFile' | 'stateDatabase'>>> {
  if (document === undefined || !('postgres' in document)) {
    const { file = '' } = (document ?? {}) as { file?: string };
    return { stateFile: tools.resolve(file) };
  }
  const { url, password, caFile, schema } = document.postgres ?? {};
  const path = ['state', 'postgres'];
  const pem = await tools.certificates(caFile, [...path, 'caFile']);
  const text = await tools.secret(password, [...path, 'password']);
  const ca = pem === undefined ? {} : { ca: pem.toString('utf8') };
  const plain = caFile === undefined && url !== undefined && isLoopback(new URL(url).hostname);
  // What is missing in it stands among the mistakes.
  return { stateFile: '', stateDatabase: { url, password: text, plain, ...ca, schema } as DatabaseConfig };
}
