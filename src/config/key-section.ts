/** The section `keys`: a keyring for each purpose, none of them with a key of another. */
import { readKeyFile } from '../crypto/key-text.ts';
import { KeyProblem, type KeyProblemCode, type KeyPurpose } from '../crypto/keyring.ts';
import { type LocalKeyring, parseKeyring, requireDistinctKeys } from '../crypto/local-keyring.ts';
import type { Path } from './problems.ts';
import type { Section, SectionTools, SoundSecret } from './section-tools.ts';

const keyTexts: Readonly<Partial<Record<KeyProblemCode, string>>> = {
  'key-malformed': 'a line that is no key',
  'key-wrong-length': 'a key that has not 32 bytes',
  'key-duplicate-version': 'two keys of one version',
  'key-empty': 'no key',
  'key-file-open': 'a key file that is not private',
  'key-shared': 'the same key twice',
};

const keyForm = 'lines of v<version>:<base64 of 32 bytes> (`sluice keygen` makes one)';

/** The keyrings; each mistake is told without a key. */
export async function readKeys(
  tools: SectionTools,
  document: Section<'keys'>,
): Promise<{ [Purpose in KeyPurpose]: LocalKeyring | undefined }> {
  const staging = await readKeyring(tools, 'staging', document.staging);
  const pseudonym = await readKeyring(tools, 'pseudonym', document.pseudonym);
  const payload = await readKeyring(tools, 'payload', document.payload);
  requireDistinct(tools, staging, pseudonym);
  requireDistinct(tools, staging, payload);
  requireDistinct(tools, pseudonym, payload);
  return { staging, pseudonym, payload };
}

function requireDistinct(tools: SectionTools, one: LocalKeyring | undefined, other: LocalKeyring | undefined): void {
  if (one === undefined || other === undefined) return;
  keyWork(tools, ['keys', other.purpose], () => {
    requireDistinctKeys([one, other]);
  });
}

async function readKeyring(
  tools: SectionTools,
  purpose: KeyPurpose,
  reference: SoundSecret,
): Promise<LocalKeyring | undefined> {
  const path = ['keys', purpose];
  const text = await keyText(tools, reference, path);
  return text === undefined ? undefined : keyWork(tools, path, () => parseKeyring(purpose, text));
}

async function keyText(tools: SectionTools, reference: SoundSecret, path: Path): Promise<string | undefined> {
  if (reference === undefined) return undefined;
  if ('env' in reference && reference.env !== undefined) return tools.variable(reference.env, path);
  if (!('file' in reference) || reference.file === undefined) return undefined;
  try {
    return await readKeyFile(tools.resolve(reference.file));
  } catch (error) {
    noteKeyProblem(tools, [...path, 'file'], error);
    return undefined;
  }
}

function keyWork<Result>(tools: SectionTools, path: Path, work: () => Result): Result | undefined {
  try {
    return work();
  } catch (error) {
    noteKeyProblem(tools, path, error);
    return undefined;
  }
}

function noteKeyProblem(tools: SectionTools, path: Path, error: unknown): void {
  if (!(error instanceof KeyProblem)) throw error;
  const { code, message } = error;
  if (code === 'key-file-unreadable') {
    // Its path is not told: somebody may have written the key itself there.
    tools.mistake(path, 'a path where no key file can be read', 'a key file (`sluice keygen` makes one)');
    return;
  }
  const where = message.slice(code.length + 2);
  const expected = code === 'key-shared' ? 'a key of its own for each purpose' : keyForm;
  tools.mistake(path, `${keyTexts[code] ?? code} (${where})`, code === 'key-file-open' ? 'mode 600' : expected);
}
