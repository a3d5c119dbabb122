/** Writes out what a policy inherits and leaves unsaid. */
import type { PolicyDocument, ResolvedPolicy } from './document.ts';
import { presets } from '../presets/index.ts';

/** What a document means with nothing left to look up: the site's own rules come first, so that they win over the preset's. */
export function resolvePolicy(document: PolicyDocument): ResolvedPolicy {
  const base = document.extends === undefined ? undefined : presets[document.extends];
  const fallback = document.default ?? base?.default;
  if (fallback === undefined) throw new Error('policy: default is neither written out nor inherited');
  const keeps = fallback === 'keep';
  const { pseudonym, cryptoHash, dateShift, perturb, encrypt } = { ...base?.keys, ...document.keys };
  const versions = Object.entries({ pseudonym, cryptoHash, dateShift, perturb, encrypt });
  return {
    apiVersion: 'fhir-sluice/v1',
    ...(document.name === undefined ? {} : { name: document.name }),
    default: fallback,
    extensions: document.extensions ?? base?.extensions ?? (keeps ? 'keep' : 'drop'),
    modifierExtensions: document.modifierExtensions ?? base?.modifierExtensions ?? (keeps ? 'keep' : 'withhold'),
    leakGuard: document.leakGuard ?? base?.leakGuard ?? 'mask',
    labels: document.labels ?? base?.labels ?? true,
    keys: Object.fromEntries(versions.filter(([, version]) => version !== undefined)),
    rules: [...(document.rules ?? []), ...(base?.rules ?? [])],
  };
}
