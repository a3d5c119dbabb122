/**
 * The paths of a policy's rules, parsed. Most are compiled into the plan; what is left is `general`, evaluated by the
 * FHIRPath library for the resources it starts at. The forms are those of Microsoft's configuration files, so that
 * theirs read alike. Source: https://hl7.org/fhirpath/N1/, https://hl7.org/fhir/R4/fhirpath.html
 */

/**
 * `child.path = 'literal'` on the node that a step reached, or `child.path.trim().lower() in ('one' | 'other')`: then
 * `equals` is the list as it is written, and `among` its words.
 */
export interface Condition {
  readonly path: readonly string[];
  readonly equals: string;
  readonly among?: ReadonlySet<string>;
}

/** Whether a value is what a condition asks for. */
export const isMet = ({ equals, among }: Condition, text: string): boolean =>
  among === undefined ? text === equals : among.has(text.trim().toLowerCase());

interface StepBase {
  readonly where?: Condition;
}

export type Step = StepBase &
  (
    | {
        readonly kind: 'name';
        /** FHIRPath's name or the JSON key: `value` or `valueQuantity`. */
        readonly name: string;
        /** Only the choice of this type: `ofType(Quantity)`. */
        readonly choice?: string;
      }
    | { readonly kind: 'extension'; readonly url: string }
    /** The node itself or any node below it, within the same resource, of exactly this type or with this name. */
    | { readonly kind: 'byType'; readonly type: string }
    | { readonly kind: 'byName'; readonly name: string }
  );

/** A path that the plan follows by itself. */
export interface PlainPath {
  readonly kind: 'plain';
  /** Resource type, `DomainResource`, or undefined for every type. */
  readonly root: string | undefined;
  readonly steps: readonly Step[];
}

/** An expression for the FHIRPath library. */
export interface GeneralPath {
  readonly kind: 'general';
  readonly root: string | undefined;
  readonly expression: string;
}

export type PolicyPath = PlainPath | GeneralPath;

/** What {@link parsePath} accepts, in words, for error messages. */
export const pathExpected =
  "a FHIRPath that starts with a type or nodesBy…, such as Patient.name, Resource.text, Observation.value.ofType(Quantity), nodesByName('note') or nodesByType('Identifier').where(use = 'official').value";

const nameForm = /^[A-Za-z][A-Za-z0-9]{0,63}/;
const quoted = `(?:'([^'\\\\]*)'|"([^"\\\\]*)")`;
const callForm = new RegExp(`^(nodesByType|nodesByName|extension)\\(\\s*${quoted}\\s*\\)`);
const choiceForm = /^(?:ofType|as)\(\s*(?:FHIR\.)?([A-Za-z][A-Za-z0-9]*)\s*\)/;
const whereForm = new RegExp(
  `^where\\(\\s*([A-Za-z][A-Za-z0-9]*(?:\\.[A-Za-z][A-Za-z0-9]*)*)\\s*=\\s*${quoted}\\s*\\)`,
);
const amongForm = new RegExp(
  `^where\\(\\s*([A-Za-z][A-Za-z0-9]*)\\.trim\\(\\)\\.lower\\(\\)\\s+in\\s+\\((\\s*'[^'\\\\]*'(?:\\s*\\|\\s*'[^'\\\\]*')*\\s*)\\)\\s*\\)`,
);

function readCondition(rest: string): { condition: Condition; length: number } | undefined {
  const where = whereForm.exec(rest);
  if (where !== null)
    return { condition: { path: (where[1] ?? '').split('.'), equals: literal(where, 2) }, length: where[0].length };
  const listed = amongForm.exec(rest);
  if (listed === null) return undefined;
  const [whole, name = '', words = ''] = listed;
  const among = new Set(Array.from(words.matchAll(/'([^']*)'/g), ([, word = '']) => word));
  return { condition: { path: [name], equals: words, among }, length: whole.length };
}

interface Parsing {
  readonly steps: Step[];
  rest: string;
}

const literal = (match: RegExpExecArray, at: number): string => match[at] ?? match[at + 1] ?? '';

/** Reads `name`, `extension('…')`, `nodesBy…('…')` or one of the calls that narrow the last step. */
function readStep(parsing: Parsing): boolean {
  const { rest, steps } = parsing;
  const last = steps.at(-1);
  const called = callForm.exec(rest);
  if (called !== null) {
    parsing.rest = rest.slice(called[0].length);
    const text = literal(called, 2);
    if (text === '') return false;
    if (called[1] === 'extension') steps.push({ kind: 'extension', url: text });
    else if (called[1] === 'nodesByType') steps.push({ kind: 'byType', type: text });
    else steps.push({ kind: 'byName', name: text });
    return true;
  }
  const choice = choiceForm.exec(rest);
  if (choice !== null) {
    if (last?.kind !== 'name' || last.choice !== undefined || last.where !== undefined) return false;
    steps[steps.length - 1] = { ...last, choice: choice[1] ?? '' };
    parsing.rest = rest.slice(choice[0].length);
    return true;
  }
  const where = readCondition(rest);
  if (where !== undefined) {
    if (last === undefined || last.where !== undefined) return false;
    // What hangs on extensions may hang on a primitive's own, which stand beside it in JSON: left to the library.
    if (where.condition.path[0]?.startsWith('extension') === true) return false;
    steps[steps.length - 1] = { ...last, where: where.condition };
    parsing.rest = rest.slice(where.length);
    return true;
  }
  const name = nameForm.exec(rest);
  if (name === null) return false;
  parsing.rest = rest.slice(name[0].length);
  if (parsing.rest.startsWith('[x]')) parsing.rest = parsing.rest.slice(3);
  steps.push({ kind: 'name', name: name[0] });
  return true;
}

const anyRoot = (type: string): string | undefined => (type === 'Resource' ? undefined : type);

/** Tells a data type such as `HumanName` from a resource type; handed in, so that this file knows no model. */
export type IsDataType = (name: string) => boolean;

/** Reads a rule's path; undefined when it starts with neither a type nor `nodesBy…`. */
export function parsePath(text: string, isDataType: IsDataType): PolicyPath | undefined {
  const head = /^[A-Z][A-Za-z0-9]{0,63}(?=$|\.)/.exec(text)?.[0];
  if (head === undefined && !/^nodesBy(Type|Name)\(/.test(text)) return undefined;
  const byType = head !== undefined && isDataType(head);
  const steps: Step[] = byType ? [{ kind: 'byType', type: head }] : [];
  const root = head === undefined || byType ? undefined : anyRoot(head);
  const parsing: Parsing = { steps, rest: head === undefined ? text : text.slice(head.length + 1) };
  while (parsing.rest !== '') {
    if (!readStep(parsing)) return general(text, head, byType);
    if (parsing.rest === '') break;
    if (!parsing.rest.startsWith('.') || parsing.rest === '.') return general(text, head, byType);
    parsing.rest = parsing.rest.slice(1);
  }
  if (head !== undefined && text.length > head.length && parsing.steps.length === (byType ? 1 : 0)) return undefined;
  return { kind: 'plain', root, steps };
}

/** `HumanName…` is short for `nodesByType('HumanName')…` in general expressions too. */
function general(text: string, head: string | undefined, byType: boolean): GeneralPath {
  if (head === undefined) return { kind: 'general', root: undefined, expression: text };
  const rest = text.slice(head.length);
  if (byType) return { kind: 'general', root: undefined, expression: `nodesByType('${head}')${rest}` };
  return { kind: 'general', root: anyRoot(head), expression: rest.slice(1) };
}
