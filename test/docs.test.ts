/** The documents name files; a file that has moved must not leave them behind. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';

const root = join(import.meta.dirname, '..');
const documents = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  'docs/aidbox/README.md',
  'data/README.md',
];

/** Paths in code spans and links that begin in a folder of this repository. */
function namedPaths(text: string): string[] {
  const spans = [...text.matchAll(/`((?:src|test|docs|dev|data|policies|examples|bin|bench)\/[\w./-]*)`/g)].map(
    (match) => match[1] ?? '',
  );
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map((match) => match[1] ?? '');
  return [...spans, ...links];
}

describe.each(documents)('%s', (document) => {
  it('names only files that exist', () => {
    const folder = join(root, document, '..');
    const missing = namedPaths(readFileSync(join(root, document), 'utf8')).filter(
      (path) => !existsSync(join(root, path)) && !existsSync(join(folder, path)),
    );
    expect(missing).toEqual([]);
  });
});
