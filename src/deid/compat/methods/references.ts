/**
 * The id within a reference, which is all of it that is hashed.
 * Sources: Tools-for-Health-Data-Anonymization and fhir-pseudonymizer, ReferenceUtility.cs;
 * https://hl7.org/fhir/R4/references.html#literal
 */
import { r4ResourceTypes } from '../../r4/model.ts';
import type { Node } from '../tree/node.ts';

const types = [...r4ResourceTypes].join('|');
const id = '[A-Za-z0-9\\-.]{1,64}';

interface ReferenceForm {
  readonly form: RegExp;
  /** Names a resource, and may stand in a uri as well as in a Reference. */
  readonly isResource: boolean;
  readonly onlyPseudonymizer?: true;
}

/** In each: prefix, id, suffix. */
const forms: readonly ReferenceForm[] = [
  {
    form: new RegExp(`^((?:https?://[A-Za-z0-9\\\\/.:%$]*)?(?:${types})/)(${id})(/_history/${id})?$`),
    isResource: true,
  },
  {
    form: new RegExp(`^((?:(?:${types})\\?)?identifier=(?:https?://[A-Za-z0-9\\\\/.:%$-]*\\|)?)(${id})()$`),
    isResource: true,
    onlyPseudonymizer: true,
  },
  { form: /^(urn:oid:)([0-2](?:\.(?:0|[1-9][0-9]*))+)()$/, isResource: false },
  {
    form: /^(urn:uuid:)([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})()$/,
    isResource: false,
  },
];

export interface ReferenceParts {
  readonly prefix: string;
  readonly id: string;
  readonly suffix: string;
  readonly isResource: boolean;
}

/** Takes a reference apart; undefined where it has no id that these tools know. `ofPseudonymizer`: conditional ones, too. */
export function referenceParts(text: string, ofPseudonymizer: boolean): ReferenceParts | undefined {
  if (text.startsWith('#')) return { prefix: '#', id: text.slice(1), suffix: '', isResource: false };
  for (const { form, isResource, onlyPseudonymizer } of forms) {
    const match = onlyPseudonymizer === true && !ofPseudonymizer ? null : form.exec(text);
    if (match !== null) return { prefix: match[1] ?? '', id: match[2] ?? '', suffix: match[3] ?? '', isResource };
  }
  return undefined;
}

/** `Reference.reference`; for fhir-pseudonymizer also a uri that names a resource. */
export function isReferenceNode(node: Node, text: string, ofPseudonymizer: boolean): boolean {
  if (node.parent?.type === 'Reference' && node.name === 'reference') return true;
  return ofPseudonymizer && node.type === 'uri' && referenceParts(text, true)?.isResource === true;
}

/** Changes the id of a reference; all of it where it has none. */
export function changeReference(text: string, ofPseudonymizer: boolean, change: (id: string) => string): string {
  const parts = referenceParts(text, ofPseudonymizer);
  if (parts === undefined) return change(text);
  return parts.prefix + (parts.id === '' ? '' : change(parts.id)) + parts.suffix;
}
