/**
 * Makes a policy of ours of another tool's configuration. What theirs removes or changes, the policy removes or changes as
 * well, as far as the report does not say otherwise; what it cannot say it replaces by something stricter.
 */
import { r4ResourceTypes, r4Type } from '../r4/model.ts';
import type { PolicyDocument, PolicyRule } from '../policy/document.ts';
import type { CompatConfig, CompatRule } from './config/document.ts';
import type { ConversionNote, Remark, Unconvertible } from './convert/note.ts';
import { convertPath } from './convert/path.ts';
import type { ConvertedPath } from './convert/path.ts';
import { refine } from './convert/refine.ts';
import type { Draft } from './convert/refine.ts';
import { convertRule } from './convert/rule.ts';

export type { Change, ConversionNote, Unconvertible } from './convert/note.ts';

export interface ConversionOptions {
  /** What becomes of a field that no rule names: theirs passes it, which has to be asked for here. */
  readonly default?: 'keep' | 'drop';
}

export interface Conversion {
  /** Accepted by `readPolicy`. */
  readonly policy: PolicyDocument;
  readonly report: readonly ConversionNote[];
  readonly unconvertible: readonly Unconvertible[];
}

const everyType = new Set(['Resource', 'DomainResource']);
const resourceAlone = /^[A-Z][A-Za-z]*$/;
const entryOfType = /^Bundle\.entry\.where\(resource is ([A-Z][A-Za-z]*)\)$/;

/** Resource types that a rule is for; undefined for every one. */
function typeOf(path: string): string | undefined {
  const type = /^[A-Z][A-Za-z]*(?=\.|$)/.exec(path)?.[0];
  return type === undefined || everyType.has(type) ? undefined : type;
}

class Converter {
  readonly drafts: Draft[] = [];
  readonly report: ConversionNote[] = [];
  readonly unconvertible: Unconvertible[] = [];
  readonly dropped = new Set<string>();
  /** Set by a rule after which nothing more may pass. */
  isClosed = false;
  private readonly config: CompatConfig;

  constructor(config: CompatConfig) {
    this.config = config;
    for (const [index, rule] of config.rules.entries()) {
      if (this.isClosed)
        this.note(index, rule.path, [
          'stricter',
          'left out: a rule before it leaves nothing, or cannot be told apart from it',
        ]);
      else this.convert(index, rule);
    }
  }

  note(rule: number | undefined, path: string, [change, what]: Remark): void {
    this.report.push({ rule, path, change, what });
  }

  /** What cannot be said: the types that it is for do not pass, or else nothing more than what rules before it let pass. */
  refuse(index: number, path: string, why: string): 'type' | 'everything' {
    const type = typeOf(path);
    if (type !== undefined && r4ResourceTypes.has(type)) {
      this.dropped.add(type);
      this.unconvertible.push({ rule: index, path, why, instead: `${type} is withheld altogether` });
      return 'type';
    }
    this.isClosed = true;
    this.unconvertible.push({ rule: index, path, why, instead: 'what no rule before it lets pass is dropped' });
    return 'everything';
  }

  private convert(index: number, rule: CompatRule): void {
    const entry = rule.method === 'remove' ? entryOfType.exec(rule.path)?.[1] : undefined;
    if (entry !== undefined && r4ResourceTypes.has(entry)) {
      this.dropped.add(entry);
      this.note(index, rule.path, ['stricter', `${entry} is withheld wherever it stands`]);
      return;
    }
    for (const part of convertPath(rule.path)) this.convertPart(index, rule, part);
  }

  private convertPart(index: number, rule: CompatRule, part: ConvertedPath): void {
    if (part.kind === 'nothing') {
      this.note(index, rule.path, ['same', `left out: never matched, since it names ${part.why}`]);
    } else if (part.kind === 'impossible') {
      if (rule.method === 'keep')
        this.note(index, rule.path, ['stricter', `left out, so that it lets nothing pass: ${part.why}`]);
      else this.refuse(index, rule.path, part.why);
    } else if (resourceAlone.test(part.path)) this.convertWhole(index, rule, part.path);
    else if (rule.method === 'remove' && part.ends?.some(({ type }) => holdsResource(type)) !== false) {
      this.refuse(index, rule.path, 'a removal that takes the resources inside with it');
    } else this.add(index, rule, part.path, part.ends);
  }

  private add(
    index: number,
    rule: CompatRule,
    path: string,
    ends: Extract<ConvertedPath, { kind: 'path' }>['ends'],
  ): void {
    const { rules, remarks } = convertRule(rule, { path, ends, parameters: this.config.parameters });
    for (const made of rules) this.drafts.push({ from: index, rule: made });
    for (const remark of remarks) this.note(index, rule.path, remark);
  }

  /** A rule on a resource as a whole. Ours are about elements; of a removal from every type the default is all that is left. */
  private convertWhole(index: number, rule: CompatRule, type: string): void {
    if (rule.method === 'keep') {
      this.drafts.push({ from: index, rule: { path: type, method: 'keep' } });
      return;
    }
    if (rule.method === 'remove' && !everyType.has(type)) {
      this.dropped.add(type);
      this.note(index, rule.path, ['stricter', `${type} is withheld`]);
      return;
    }
    if (everyType.has(type)) {
      if (rule.method !== 'redact') this.refuse(index, rule.path, `${rule.method} on everything that is left`);
      else {
        this.isClosed = true;
        this.drafts.push({ from: index, rule: { path: 'Resource.meta', method: 'redact' } });
        this.note(index, rule.path, [
          'stricter',
          'default: drop says it; of dates, ages and postal codes nothing is left',
        ]);
      }
      return;
    }
    const own = new Set(['id', 'contained']); // ids are ours; what is contained has rules of its own
    const names = new Set([...(r4Type(type)?.elements.values() ?? [])].map(({ name }) => name));
    for (const name of names) {
      if (own.has(name)) continue;
      const part = convertPath(`${type}.${name}`)[0];
      if (part?.kind === 'path') this.add(index, rule, part.path, part.ends);
    }
    this.note(index, rule.path, ['same', 'written as a rule for each element']);
  }
}

const holdsResource = (type: string): boolean =>
  [...(r4Type(type)?.elements.values() ?? [])].some((element) => r4Type(element.type)?.kind === 'resource');

/** Notes that repeat themselves for each part of a path are said once. */
const unique = (notes: readonly ConversionNote[]): ConversionNote[] => [
  ...new Map(notes.map((note) => [JSON.stringify(note), note])).values(),
];

const modifiers = 'resources with an unknown modifierExtension are withheld; theirs lets them pass';
const extensions = 'extensions that no rule names are dropped; theirs lets them pass';
const always =
  'ids and references are pseudonyms; meta keeps profile, security and tag alone; a removed value is looked for in what is left';

/** Converts a configuration that `readCompatConfig` has accepted. */
export function convertCompat(config: CompatConfig, options: ConversionOptions = {}): Conversion {
  const converter = new Converter(config);
  const reason = (from: number): string =>
    `fhirPathRules[${String(from)}]: ${config.rules[from]?.path ?? ''}`.slice(0, 1000);
  const drafts = converter.drafts.map(({ from, rule }) => ({ from, rule: { ...rule, reason: reason(from) } }));
  const fallback = converter.isClosed ? 'drop' : (options.default ?? 'drop');
  const base: PolicyDocument = {
    apiVersion: 'fhir-sluice/v1',
    kind: 'DeidPolicy',
    description: `Converted from a configuration of ${config.dialect === 'microsoft' ? 'Tools for Health Data Anonymization' : 'fhir-pseudonymizer'}.`,
    default: fallback,
    extensions: 'drop',
    modifierExtensions: 'withhold',
  };
  const refined = refine(base, drafts);
  for (const { from, path, remark } of refined.remarks) converter.note(from, path, remark);
  const firstClosed = closeAfter(converter, refined.refused);
  const kept = (refined.policy.rules ?? []).filter((rule) => fromOf(rule) < firstClosed);
  const drops = [...converter.dropped].map((path): PolicyRule => ({ path, method: 'dropResource' }));
  const policy: PolicyDocument = {
    ...refined.policy,
    default: firstClosed === Infinity ? fallback : 'drop',
    rules: [...drops, ...kept],
  };
  converter.note(undefined, '', ['different', always]);
  converter.note(undefined, 'extensions', ['stricter', extensions]);
  converter.note(undefined, 'modifierExtensions', ['stricter', modifiers]);
  const dropping: Remark = ['stricter', 'what no rule names is dropped; theirs lets it pass'];
  const keeping: Remark = ['same', 'keep: what no rule names passes, free text included'];
  converter.note(undefined, 'default', policy.default === 'drop' ? dropping : keeping);
  return { policy, report: unique(converter.report), unconvertible: converter.unconvertible };
}

const fromOf = ({ reason }: PolicyRule): number => Number(/^fhirPathRules\[(\d+)\]/.exec(reason ?? '')?.[1] ?? 0);

/** The first rule after which nothing more may pass, because the reader refused one that removes for every type. */
function closeAfter(converter: Converter, refused: readonly Draft[]): number {
  const why = 'an expression that our policies do not take';
  const closing = refused.filter(({ from, rule }) => converter.refuse(from, rule.path, why) === 'everything');
  return Math.min(Infinity, ...closing.map(({ from }) => from));
}
