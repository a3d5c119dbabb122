/** What the walk removes, as the words that the leak guard looks for. */
import { idForm } from '../../fhir/resource.ts';
import type { Json, JsonObject } from '../../fhir/resource.ts';
import { createWordHasher } from '../guard/hash.ts';
import { idWords, mayStandAmong } from '../guard/id-words.ts';
import { RecentMemo } from '../guard/memo.ts';
import { wholeNameWords } from '../guard/name-words.ts';
import { wordsOf } from '../guard/words.ts';
import { maxDepthLevels } from '../engine.ts';
import type { DeidKeys } from '../engine.ts';
import type { Child } from '../plan/child.ts';
import { guardClassOf, namesPerson } from '../plan/guard-class.ts';
import type { GuardClass } from '../policy/document.ts';
import { r4Type } from '../r4/model.ts';
import type { R4Element } from '../r4/model.ts';
import type { Walk } from './context.ts';

const memoEntries = 20_000;
const memos = new WeakMap<DeidKeys, Map<GuardClass, RecentMemo<readonly number[]>>>();

/** Hashes of the words of one removed value; the same names come again and again. */
function hashesOf(walk: Walk, text: string, guardClass: GuardClass): readonly number[] {
  const keys = walk.keys.pseudonym;
  let byClass = memos.get(keys);
  if (byClass === undefined) memos.set(keys, (byClass = new Map<GuardClass, RecentMemo<readonly number[]>>()));
  let memo = byClass.get(guardClass);
  if (memo === undefined) byClass.set(guardClass, (memo = new RecentMemo<readonly number[]>(memoEntries)));
  const known = memo.get(text);
  if (known !== undefined) return known;
  const hashes = wordsOf(text, guardClass).map(createWordHasher(keys));
  memo.set(text, hashes);
  return hashes;
}

/** Longer values are prose, not names: their words would be half the language. */
const wordCharactersMax = 1_000;

function collectText(walk: Walk, value: string | number | boolean, guardClass: GuardClass): void {
  if (walk.trace === undefined || guardClass === 'none' || typeof value === 'boolean') return;
  const text = String(value);
  if (text.length > wordCharactersMax) return;
  for (const hash of hashesOf(walk, text, guardClass)) walk.trace.removed.push(hash);
}

/** Family and given names of one person are also sought as one word. */
function collectWholeName(walk: Walk, { family, given }: JsonObject): void {
  if (walk.trace === undefined || typeof family !== 'string' || !Array.isArray(given)) return;
  const firsts = given.filter((one) => typeof one === 'string');
  if (family.length + firsts.join('').length > wordCharactersMax) return;
  const hasher = createWordHasher(walk.keys.pseudonym);
  for (const word of wholeNameWords(family, firsts)) walk.trace.removed.push(hasher(word));
}

/**
 * Collects the id of a resource, which is replaced whatever the policy says. A Patient's may stand in all that is the
 * patient's; any other's counts where its own output holds it, so that words do not become as many as resources.
 */
export function collectId(walk: Walk, type: string, id: string): void {
  const { trace } = walk;
  const isPatients = type === 'Patient';
  if (trace === undefined || !(isPatients || mayStandAmong(trace.kept, id))) return;
  // What has another form stands for the id of a resource that has none.
  if (walk.policy.scope.downTypes.has(type) || !idForm.test(id)) return;
  const hasher = createWordHasher(walk.keys.pseudonym);
  for (const word of idWords(id)) {
    const hash = hasher(word);
    if (isPatients || trace.kept.some(({ hashes }) => hashes.includes(hash))) trace.removed.push(hash);
  }
}

/** Collects the words of a removed value and of all that is below it, by the rule's class or by R4's types. */
export function collectRemoved(walk: Walk, child: Child, value: Json): void {
  const stated = walk.policy.rules[child.rule]?.rule?.guard;
  if (stated === 'none') return;
  collect(walk, value, child, stated ?? child.guard, stated, 0);
}

/** Collects what a Reference was displayed as, if that is a person's name. */
export function collectDisplay(walk: Walk, child: Child, { display, reference, type }: JsonObject): void {
  if (typeof display === 'string' && namesPerson(reference, type, child.isToPersons))
    collectText(walk, display, 'name');
}

/** Collects the words of a resource of which nothing passes. */
export function collectBelow(walk: Walk, value: JsonObject, type: string): void {
  collect(walk, value, { type, isToPersons: false }, 'none', undefined, 0);
  if (typeof value.id === 'string') collectId(walk, type, value.id);
}

function collect(
  walk: Walk,
  value: Json,
  at: { readonly type: string; readonly isToPersons: boolean },
  guardClass: GuardClass,
  stated: GuardClass | undefined,
  depth: number,
): void {
  if (value === null || depth > maxDepthLevels) return;
  if (typeof value !== 'object') {
    collectText(walk, value, guardClass);
    return;
  }
  if (Array.isArray(value)) {
    for (const member of value) collect(walk, member, at, guardClass, stated, depth + 1);
    return;
  }
  const known = r4Type(isWhole(at.type) && typeof value.resourceType === 'string' ? value.resourceType : at.type);
  if (known?.name === 'HumanName' && stated === undefined) collectWholeName(walk, value);
  for (const key in value) {
    const element = known?.elements.get(key);
    const member = value[key] ?? null;
    // A stated class holds for the texts below: not for codes, links and dates of when.
    const own = stated ?? guardOf(known?.name ?? '', element, value, at.isToPersons);
    if (stated !== undefined && element !== undefined && isStructure(element.type)) continue;
    collect(walk, member, element ?? unknownElement, own, stated, depth + 1);
  }
}

/** Where a resource may stand: `resourceType` is an element of one of R4's backbone types, too. */
const isWhole = (type: string): boolean => type === '' || type === 'Resource';

const unknownElement = { type: '', isToPersons: false };

function guardOf(owner: string, element: R4Element | undefined, value: JsonObject, isToPersons: boolean): GuardClass {
  if (owner === 'Reference' && element?.name === 'display') {
    return namesPerson(value.reference, value.type, isToPersons) ? 'name' : 'none';
  }
  return guardClassOf(owner, element);
}

const structural = new Set(['code', 'boolean', 'uri', 'canonical', 'id', 'Reference', 'Period', 'decimal', 'Coding']);
const isStructure = (type: string): boolean => structural.has(type);
