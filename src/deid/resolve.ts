/** Writes a policy's preset out. */
import type { PolicyDocument, ResolvedPolicy } from './policy.ts';
import { presets } from './presets/index.ts';

/** What a document means with nothing left to look up: the site's own rules come first, so that they win over the preset's. */
export function resolvePolicy(document: PolicyDocument): ResolvedPolicy {
  const base = document.extends === undefined ? undefined : presets[document.extends];
  const fallback = document.default ?? base?.default;
  if (fallback === undefined) throw new Error('policy: default is neither written out nor inherited');
  return {
    apiVersion: 'fhir-sluice/v1',
    ...(document.name === undefined ? {} : { name: document.name }),
    default: fallback,
    rules: [...(document.rules ?? []), ...(base?.rules ?? [])],
  };
}
