/**
 * Security labels for what was done, in the tools' order and with their spelling.
 * Sources: Tools-for-Health-Data-Anonymization and fhir-pseudonymizer, SecurityLabels.cs and `AddSecurityTag`
 */
import type { Operation } from './methods/method.ts';
import { Node, textOf } from './tree/node.ts';
import { asPoco } from './tree/poco.ts';
import { definitionOf } from './tree/shape.ts';

interface Label {
  readonly operation: Operation;
  readonly system?: string;
  readonly code: string;
  readonly display: string;
}

const system = 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue';

const labels: readonly Label[] = [
  { operation: 'redact', system, code: 'REDACTED', display: 'redacted' },
  { operation: 'abstract', system, code: 'ABSTRED', display: 'abstracted' },
  { operation: 'cryptoHash', system, code: 'CRYTOHASH', display: 'cryptographic hash function' },
  { operation: 'encrypt', system, code: 'MASKED', display: 'masked' },
  { operation: 'perturb', code: 'PERTURBED', display: 'exact value is replaced with another exact value' },
  { operation: 'substitute', code: 'SUBSTITUTED', display: 'exact value is replaced with a predefined value' },
  { operation: 'generalize', code: 'GENERALIZED', display: 'exact value is replaced with a general value' },
  { operation: 'pseudonymize', system, code: 'PSEUDED', display: 'pseudonymized' },
  { operation: 'remove', system, code: 'REDACTED', display: 'redacted' },
];

function child(parent: Node, name: string, type: string, value?: string): Node {
  const fallback = { name, isArray: false, isChoice: false, isResource: false };
  const node = new Node(definitionOf(parent.shape, name, type) ?? fallback, type, value);
  parent.add(node);
  return node;
}

function addLabel(meta: Node, label: Label): void {
  const coding = child(meta, 'security', 'Coding');
  if (label.system !== undefined) child(coding, 'system', 'uri', label.system);
  child(coding, 'code', 'code', label.code);
  child(coding, 'display', 'string', label.display);
}

/** Whatever its system: a code is enough to count as there. */
const hasCode = (meta: Node, code: string): boolean =>
  meta.named('security').some((coding) => textOf(coding.named('code')[0]?.value).toUpperCase() === code);

/** Labels a resource; nothing where nothing was done. `meta` goes through Firely's classes on the way. */
export function addLabels(resource: Node, operations: ReadonlySet<Operation>): void {
  if (operations.size === 0) return;
  const meta = resource.named('meta')[0];
  const definition = { name: 'meta', isArray: false, isChoice: false, isResource: false };
  const labelled = meta === undefined ? new Node(definition, 'Meta') : asPoco(meta, 'meta-invalid');
  for (const label of labels) {
    if (operations.has(label.operation) && !hasCode(labelled, label.code)) addLabel(labelled, label);
  }
  const ordered = asPoco(labelled, 'meta-invalid');
  if (meta === undefined) resource.add(ordered);
  else resource.replace(meta, ordered);
}

/** What Microsoft's tool leaves of a resource that it skips. */
export function emptyResource(type: string): Node {
  const root = new Node({ name: type, isArray: false, isChoice: false, isResource: true }, type);
  addLabels(root, new Set<Operation>(['redact']));
  return root;
}
