/**
 * Noise on numbers and quantities.
 * Source: Tools-for-Health-Data-Anonymization, PerturbProcessor.cs
 */
import type { PerturbSettings } from '../config/document.ts';
import { CompatProblem } from '../problem.ts';
import { NetDecimal } from '../tree/decimal.ts';
import { allDescendants, textOf } from '../tree/node.ts';
import type { Node } from '../tree/node.ts';
import type { CompatRandom, Method } from './method.ts';

const wholeTypes = new Set(['integer', 'positiveInt', 'unsignedInt']);
const quantityTypes = new Set([
  'Age',
  'Count',
  'Duration',
  'Distance',
  'Money',
  'MoneyQuantity',
  'Quantity',
  'SimpleQuantity',
]);
const placesByDefault = 2;

function valueNodeOf(node: Node): Node | undefined {
  if (node.type === 'decimal' || wholeTypes.has(node.type)) return node;
  return quantityTypes.has(node.type) ? node.named('value')[0] : undefined;
}

function noiseOf(value: NetDecimal, { span, rangeType }: PerturbSettings, random: CompatRandom): NetDecimal {
  const width = rangeType === 'proportional' ? value.toNumber() * span : span;
  // The generator that Microsoft's tool uses refuses a range whose lower end is above its upper.
  if (width < 0) throw new CompatProblem('perturb-negative-range');
  const noise = NetDecimal.fromNumber(-width / 2 + random.unit() * width);
  if (noise === undefined) throw new CompatProblem('perturb-not-a-number');
  return noise;
}

function atLeast(value: NetDecimal, type: string): NetDecimal {
  if (type === 'positiveInt' && value.digits <= 0n) return new NetDecimal(1n, 0);
  return type === 'unsignedInt' && value.digits < 0n ? new NetDecimal(0n, 0) : value;
}

export function perturb(settings: PerturbSettings, random: CompatRandom): Method {
  return (node, run) => {
    const target = valueNodeOf(node);
    if (target?.value === undefined || run.visited.has(target)) return undefined;
    const value = NetDecimal.parse(textOf(target.value));
    if (value === undefined) throw new CompatProblem('perturb-not-a-number');
    const places = wholeTypes.has(target.type) ? 0 : (settings.roundTo ?? placesByDefault);
    target.value = atLeast(value.add(noiseOf(value, settings, random)).round(places), target.type);
    for (const below of allDescendants(node)) run.visited.add(below);
    return 'perturb';
  };
}
