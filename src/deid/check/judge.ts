/** What the rules say at a place, given what they said of the node above: elements, extensions, what R4 does not have. */
import type { R4Element } from '../r4/model.ts';
import type { NodeShape, Paths, Progress } from './follow.ts';
import { no } from './json.ts';
import type { Taker, Truth } from './json.ts';
import { defaultOf, inOrder, inherited, ofElementId, ofExtension, ofMeta, ofUnknown } from './takers.ts';
import type { Foreign, Precedence } from './takers.ts';

/** The node above, as far as it matters to what stands under its keys. */
export interface Holder {
  readonly isResource: boolean;
  /** Whether its objects have a type of R4's, and which. */
  readonly isR4: boolean;
  readonly holds: string;
  /** In or below what R4 does not have. */
  readonly isOutside: boolean;
}

/** A node whose rules are asked for. */
export interface Judged {
  readonly policy: Precedence;
  readonly paths: Paths;
  readonly key: string;
  readonly shape: NodeShape;
  /** Undefined for what R4 does not have. */
  readonly element: R4Element | undefined;
  readonly truths: readonly Truth[] | undefined;
  /** Rules that came here by other ways than their paths. */
  readonly also: readonly Taker[];
  /** Undefined for a resource itself. */
  readonly holder: Holder | undefined;
}

/** What was said at one node, for those below it. */
export interface Said {
  readonly progress: Progress;
  readonly takers: readonly Taker[];
  readonly isClosed: boolean;
  /** In what is known by its parts alone: the same without the rules that search everywhere and let something pass. */
  readonly part: Omit<Said, 'part'> | undefined;
}

const plain = (takers: readonly Taker[]): Foreign => ({ takers, isClosed: false, isNarrow: false });

/** The rules whose path ends at the node, or that came to it otherwise. */
export const endsOf = ({ paths, also }: Judged, progress: Progress): readonly Taker[] =>
  inOrder([...paths.ends(progress), ...also]);

/** What the rules say at a node, once with all of them and, where only parts may pass, once without some. */
export function said(node: Judged, above: Said | undefined): Said {
  const progress = node.paths.row(above?.progress, node.shape, node.truths);
  const all = judge(node, above?.takers ?? [], progress);
  const part = isUnknown(node) ? unknownPart(node, above, progress) : partOf(node, above, all, progress);
  return { ...all, progress, isClosed: all.isClosed || part?.isClosed === true, part };
}

type Part = NonNullable<Said['part']>;

/** In an extension of which a rule names a part, and below. */
function partOf(node: Judged, above: Said | undefined, all: Foreign, progress: Progress): Part | undefined {
  const outer = above?.part;
  const own = outer === undefined ? progress : node.paths.row(outer.progress, node.shape, node.truths);
  const judged = outer === undefined ? all : judge(node, outer.takers, own);
  if (outer === undefined && !judged.isNarrow) return undefined;
  return { ...judged, progress: judged.isNarrow ? node.paths.withoutPassingSearches(own) : own };
}

/** What R4 does not have, under `default: drop`: named only by rules that were written for such. */
function unknownPart(node: Judged, above: Said | undefined, progress: Progress): Part {
  const { policy, paths, shape, truths, also } = node;
  const outer = above?.part ?? above;
  const row = outer === undefined ? progress : paths.row(outer.progress, shape, truths);
  const own = paths.ofCustomRules(row);
  const ends = inOrder([...paths.ends(own), ...also]);
  const takers = ofUnknown(policy, outer?.takers ?? [], ends);
  const isNamed = takers.some(({ rule }) => policy.passes(rule)) || paths.goesOn(own) > no;
  return { takers, progress: own, isClosed: !isNamed };
}

/** Under `default: keep` it is as good as anything else. */
const isUnknown = ({ policy, key, element, holder }: Judged): boolean =>
  element === undefined && holder !== undefined && policy.default === 'drop' && !(holder.isResource && key === 'meta');

/**
 * The rules that may decide. Where a rule names a part of something, whatever rule stands first decides on that part;
 * where none does, no rule that searches everywhere lets it pass.
 */
export function deciding(policy: Precedence, { takers, part }: Said): readonly Taker[] {
  return part === undefined || part.takers.some(({ rule }) => policy.passes(rule)) ? takers : part.takers;
}

function judge(node: Judged, takers: readonly Taker[], progress: Progress): Foreign {
  const { policy, paths, key, element, holder } = node;
  const ends = endsOf(node, progress);
  if (holder === undefined) return plain(inOrder([...ends, { rule: defaultOf(policy), isSure: true }]));
  if (holder.isResource && key === 'meta') return plain(ofMeta(policy, inherited(takers, ends)));
  const isExtension =
    element?.type === 'Extension' && (element.name === 'extension' || element.name === 'modifierExtension');
  if (isExtension && holder.holds !== 'Extension') {
    const kind = element.name === 'extension' ? 'extensions' : 'modifierExtensions';
    return ofExtension(policy, kind, takers, ends, paths.goesOn(progress));
  }
  if (isUnknown(node) && !holder.isOutside) return plain(ofUnknown(policy, takers, ends));
  const isElementId = element?.name === 'id' && !holder.isResource;
  if (!isElementId) return plain(inherited(takers, ends));
  // All that came here, not only those up to the first for sure: not each of them may decide on an id.
  return plain(ofElementId(policy, takers, [...paths.ends(progress), ...node.also], paths.namesId));
}
