import type { Json } from '../fhir/resource.ts';
import { eachReference } from './references.ts';
import { Refusal } from './refusal.ts';
import { matching } from './search.ts';
import type { Transaction } from './transaction.ts';

/** Puts real references in place of `urn:uuid:…` and of conditional ones such as `Practitioner?identifier=…`. */
export function resolveReferences(tx: Transaction, resource: Json, urns: ReadonlyMap<string, string>): void {
  eachReference(resource, (holder, reference) => {
    const key = urns.get(reference);
    if (key !== undefined) holder.reference = key;
    else if (/^[A-Z][A-Za-z0-9]*\?/.test(reference)) holder.reference = conditionalTarget(tx, reference);
  });
}

function conditionalTarget(tx: Transaction, reference: string): string {
  const markAt = reference.indexOf('?');
  const type = reference.slice(0, markAt);
  const [found, another] = matching(tx, type, new URLSearchParams(reference.slice(markAt + 1)));
  if (found === undefined || another !== undefined) {
    throw new Refusal(412, {
      code: 'multiple-matches',
      diagnostics: `a conditional reference to ${type} does not match one`,
    });
  }
  return `${type}/${found.id}`;
}
