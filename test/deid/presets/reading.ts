/**
 * A plain reading of a policy over all of R4, made for these tests: it shares nothing with the engine but the model of
 * R4's types. Goes down from every resource type and notes for each leaf which rules may take it first.
 */
import type { PolicyDocument, PolicyRule } from '../../../src/deid/policy/document.ts';
import { isR4DataType, r4ResourceTypes, r4Type } from '../../../src/deid/r4/model.ts';
import type { R4Element } from '../../../src/deid/r4/model.ts';

/** One step of a path: `test` says whether an element is what it names; `isSearch` steps go on below. */
interface Token {
  readonly isSearch: boolean;
  readonly isConditional: boolean;
  readonly test: (element: { name: string; key: string; type: string }) => boolean;
}

interface ReadRule {
  readonly index: number;
  readonly rule: PolicyRule;
  /** The resource type it starts at; undefined for every type. */
  readonly root: string | undefined;
  readonly tokens: readonly Token[];
}

/** A rule that has come this far down. */
interface Trail {
  readonly read: ReadRule;
  readonly done: number;
  readonly isConditional: boolean;
}

interface Taking {
  readonly index: number;
  readonly isConditional: boolean;
}

/** What may become of the leaves `key` of objects of the type `owner`. */
export interface LeafReading {
  /** `Coding.display`: the type that has the element, and the JSON key. */
  readonly leaf: string;
  readonly type: string;
  /** Methods that may decide, over all places where the leaf can stand; the policy's default where no rule does. */
  readonly methods: Set<string>;
  /** Rows of Safe Harbor of the rules that may decide. */
  readonly rows: Set<string>;
  /** How many places there are. */
  places: number;
}

/** Splits at the dots outside of brackets and quotes. */
function parts(path: string): string[] {
  const cuts: number[] = [];
  let depth = 0;
  let isQuoted = false;
  for (const [at, char] of Array.from(path).entries()) {
    if (char === "'") isQuoted = !isQuoted;
    else if (!isQuoted) depth += char === '(' ? 1 : char === ')' ? -1 : 0;
    if (char === '.' && depth === 0 && !isQuoted) cuts.push(at);
  }
  return [-1, ...cuts].map((cut, index) => path.slice(cut + 1, cuts[index] ?? path.length));
}

const quotedIn = (text: string): string => /'([^']*)'/.exec(text)?.[1] ?? '';

function readRule(rule: PolicyRule, index: number): ReadRule {
  const tokens: Token[] = [];
  const [head = '', ...rest] = parts(rule.path);
  const isAnywhere = head.startsWith('nodesBy') || isR4DataType(head);
  for (const part of isAnywhere ? [head, ...rest] : rest) {
    const last = tokens.at(-1);
    const text = quotedIn(part);
    if (part.startsWith('where(') && last !== undefined) tokens[tokens.length - 1] = { ...last, isConditional: true };
    else if (part.startsWith('ofType(') && last !== undefined) {
      const type = part.slice('ofType('.length, -1);
      tokens[tokens.length - 1] = { ...last, test: (element) => last.test(element) && element.type === type };
    } else if (part.startsWith('nodesByName(')) {
      tokens.push({ isSearch: true, isConditional: false, test: ({ name, key }) => name === text || key === text });
    } else if (part.startsWith('nodesByType(') || (isAnywhere && tokens.length === 0)) {
      const wanted = part.startsWith('nodesByType(') ? text : part;
      tokens.push({ isSearch: true, isConditional: false, test: ({ type }) => type === wanted });
    } else if (part.startsWith('extension(')) {
      tokens.push({ isSearch: false, isConditional: true, test: ({ name }) => name === 'extension' });
    } else
      tokens.push({ isSearch: false, isConditional: false, test: ({ name, key }) => name === part || key === part });
  }
  return { index, rule, root: isAnywhere || head === 'Resource' ? undefined : head, tokens };
}

/** Trails below an element, and the rules that end at it. */
function follow(trails: readonly Trail[], element: R4Element): { below: Trail[]; ended: Taking[] } {
  const below: Trail[] = [];
  const ended: Taking[] = [];
  for (const trail of trails) {
    const token = trail.read.tokens[trail.done]!;
    if (token.isSearch) below.push(trail);
    if (!token.test(element)) continue;
    const isConditional = trail.isConditional || token.isConditional;
    const done = trail.done + 1;
    if (done === trail.read.tokens.length) ended.push({ index: trail.read.index, isConditional });
    else below.push({ read: trail.read, done, isConditional });
  }
  return { below, ended };
}

/** The rules that may decide, in order: those that hold under a condition, up to the first that holds without. */
function deciding(taken: readonly Taking[]): number[] {
  const sure = Math.min(...taken.filter(({ isConditional }) => !isConditional).map(({ index }) => index));
  const maybe = taken.filter(({ index, isConditional }) => isConditional && index < sure).map(({ index }) => index);
  return [...new Set(sure === Infinity ? maybe : [...maybe, sure])].sort((a, b) => a - b);
}

export interface Reading {
  readonly leaves: ReadonlyMap<string, LeafReading>;
  /** Numbers of the rules that decide on some leaf, or may. */
  readonly used: ReadonlySet<number>;
}

/** Extensions are not gone into: those that no rule names are dropped as a whole, and the others have a test of their own. */
export function readPolicyOverR4(policy: PolicyDocument): Reading {
  const rules = (policy.rules ?? []).map(readRule).filter(({ rule }) => rule.answersTo === undefined);
  const leaves = new Map<string, LeafReading>();
  const used = new Set<number>();

  const note = (owner: string, element: R4Element, taken: readonly Taking[]): void => {
    const leaf = `${owner}.${element.key}`;
    const reading = leaves.get(leaf) ?? { leaf, type: element.type, methods: new Set(), rows: new Set(), places: 0 };
    leaves.set(leaf, reading);
    reading.places += 1;
    for (const index of deciding(taken)) {
      const { method, hipaa } = policy.rules![index]!;
      used.add(index);
      reading.methods.add(method);
      if (hipaa !== undefined) reading.rows.add(hipaa);
    }
    if (taken.every(({ isConditional }) => isConditional)) reading.methods.add(policy.default!);
  };

  const descend = (type: string, above: readonly string[], trails: Trail[], taken: Taking[]): void => {
    for (const element of r4Type(type)!.elements.values()) {
      const isResource = r4ResourceTypes.has(type);
      // The engine's own: ids become pseudonyms, meta keeps profile, security and tag.
      if (isResource && (element.key === 'id' || element.key === 'meta')) continue;
      if (element.type === 'Extension' || element.type === 'Resource' || above.includes(element.type)) continue;
      const { below, ended } = follow(trails, element);
      const all = [...taken, ...ended];
      if (r4Type(element.type)!.kind === 'primitive') note(type, element, all);
      else descend(element.type, [...above, element.type], below, all);
    }
  };

  for (const type of r4ResourceTypes) {
    const starting = rules.filter(({ root }) => root === undefined || root === type);
    const whole = starting.filter(({ tokens }) => tokens.length === 0);
    const trails = starting.filter(({ tokens }) => tokens.length > 0);
    descend(
      type,
      [],
      trails.map((read) => ({ read, done: 0, isConditional: false })),
      whole.map(({ index }) => ({ index, isConditional: false })),
    );
  }
  return { leaves, used };
}
