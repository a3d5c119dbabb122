/**
 * Compiles a policy once, for walks over many resources, and computes the digest that the hub approves.
 */
import { createHash } from 'node:crypto';
import type { ReferenceScope } from './engine.ts';
import { keysOfElement, parsePath } from './path.ts';
import type { PolicyPath } from './path.ts';
import { chain, dead, noRule, rememberingJoin } from './path-state.ts';
import type { Join, PathState } from './path-state.ts';
import type { PolicyDocument, PolicyRule, ResolvedPolicy, RuleMethod } from './policy.ts';
import { resolvePolicy } from './resolve.ts';

/** A rule of a compiled policy: one of the document's, or one that always holds. */
export interface CompiledRule {
  readonly method: RuleMethod | 'default-keep' | 'default-drop';
  readonly path: PolicyPath;
  readonly text: string;
  /** Domain of the pseudonyms that a `pseudonymize` rule makes. */
  readonly domain: string;
  /** Normalized words of a `redact-answers` rule. */
  readonly linkIds: ReadonlySet<string>;
  readonly texts: ReadonlySet<string>;
}

export interface CompiledPolicy {
  /** SHA-256, in hex, of the resolved policy's canonical JSON; the scope is no part of it. */
  readonly digest: string;
  readonly document: ResolvedPolicy;
  readonly scope: ReferenceScope;
  /** In order of precedence; the last two are `default-keep` and `default-drop`. Reports count by this index. */
  readonly rules: readonly CompiledRule[];
  readonly keepByDefault: number;
  readonly dropByDefault: number;
  /** The rule that decides where no other does: one of the two above. */
  readonly defaultRule: number;
  readonly typeStates: ReadonlyMap<string, PathState>;
  /** For types that no rule names. */
  readonly anyTypeState: PathState;
  readonly referenceState: PathState;
  readonly names: ReadonlyMap<string, number>;
  /** The first rule that may let something pass anywhere, by name or in references. */
  readonly passingAnywhere: number;
  readonly answerRules: readonly number[];
  readonly join: Join;
}

/** How linkIds and texts are compared: letter case, space around and width variants do not count. */
export const normalizeWord = (text: string): string => text.normalize('NFKC').trim().toLowerCase();

/**
 * Elements of a Bundle that hold literal ids and search criteria outside references; no rule of a policy lets them
 * pass. Source: https://hl7.org/fhir/R4/bundle.html
 */
const builtIn: readonly PolicyRule[] = [
  { path: 'Bundle.link', method: 'redact' },
  { path: 'Bundle.entry.link', method: 'redact' },
  { path: 'Bundle.entry.fullUrl', method: 'redact' },
  { path: 'Bundle.entry.request', method: 'redact' },
  { path: 'Bundle.entry.response', method: 'redact' },
];

/** JSON with sorted keys: the order in which a document was written does not count. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
}

/** The digest of a resolved policy. */
export const policyDigest = (policy: ResolvedPolicy): string =>
  createHash('sha256').update(canonicalJson(policy)).digest('hex');

function compileRule(rule: PolicyRule): CompiledRule {
  const path = parsePath(rule.path);
  if (path === undefined) throw new Error('policy: a path that readPolicy would have refused');
  const params = rule.method === 'redact-answers' ? rule.params : {};
  return {
    method: rule.method,
    path,
    text: rule.path,
    domain: rule.method === 'pseudonymize' ? (rule.params?.domain ?? rule.path) : '',
    linkIds: new Set((params.linkIds ?? []).map(normalizeWord)),
    texts: new Set((params.texts ?? []).map(normalizeWord)),
  };
}

const fallback = (method: 'default-keep' | 'default-drop'): CompiledRule => ({
  method,
  path: { kind: 'type', segments: [] },
  text: method,
  domain: '',
  linkIds: new Set(),
  texts: new Set(),
});

const isPassing = (method: CompiledRule['method']): boolean => method === 'keep' || method === 'pseudonymize';

/** Compiles a document that `readPolicy` accepted, for one site's scope. */
export function compilePolicy(document: PolicyDocument, scope: ReferenceScope): CompiledPolicy {
  const resolved = resolvePolicy(document);
  const own = [...builtIn, ...resolved.rules].map(compileRule);
  const rules = [...own, fallback('default-keep'), fallback('default-drop')];
  const join = rememberingJoin();
  let anyTypeState = dead;
  let referenceState = dead;
  let passingAnywhere = noRule;
  const byType = new Map<string, PathState>();
  const names = new Map<string, number>();
  const answerRules: number[] = [];
  for (const [index, { method, path }] of own.entries()) {
    const passes = isPassing(method);
    if (method === 'redact-answers') answerRules.push(index);
    else if (path.kind === 'name') {
      for (const key of keysOfElement(path.name)) names.set(key, Math.min(index, names.get(key) ?? noRule));
    } else {
      const state = chain(path.segments, index, passes);
      if (path.kind === 'reference') referenceState = join(referenceState, state);
      else if (path.type === undefined) anyTypeState = join(anyTypeState, state);
      else byType.set(path.type, join(byType.get(path.type) ?? dead, state));
    }
    if (passes && path.kind !== 'type') passingAnywhere = Math.min(passingAnywhere, index);
  }
  return {
    digest: policyDigest(resolved),
    document: resolved,
    scope,
    rules,
    keepByDefault: own.length,
    dropByDefault: own.length + 1,
    defaultRule: resolved.default === 'keep' ? own.length : own.length + 1,
    typeStates: new Map([...byType].map(([type, state]) => [type, join(state, anyTypeState)])),
    anyTypeState,
    referenceState,
    names,
    passingAnywhere,
    answerRules,
    join,
  };
}
