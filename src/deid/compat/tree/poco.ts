/**
 * What becomes of a subtree that goes through Firely's classes, as `meta` does when it is labelled: children in R4's order,
 * instants written anew with an offset, and values that their type cannot hold refused.
 * Source: Firely's ComplexTypeReader.cs, PrimitiveTypeConverter.cs, PocoElementNode.cs, Types/DateTime.cs
 */
import { r4Type } from '../../r4/model.ts';
import { CompatProblem } from '../problem.ts';
import type { CompatProblemCode } from '../problem.ts';
import { Node, textOf } from './node.ts';
import type { NodeValue } from './node.ts';
import { NetDecimal } from './decimal.ts';

/** XML Schema's dateTime and its shorter forms, which .NET's XmlConvert reads; without a zone: UTC. */
const instantForm = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(\.\d+)?)?)?)?(Z|[+-]\d\d:\d\d)?$/;
const base64Form = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** `2015-02-07T13:28:17.230Z` as `2015-02-07T13:28:17.23+00:00`; undefined for what is no instant. */
function instantText(text: string): string | undefined {
  const match = instantForm.exec(text);
  if (match === null) return undefined;
  const [, year = '', month = '01', day = '01', hour = '00', minute = '00', second = '00', fraction = ''] = match;
  const zone = match[8] === undefined || match[8] === 'Z' ? '+00:00' : match[8];
  const places = fraction.slice(0, 8).replace(/\.?0+$/, '');
  return `${year}-${month}-${day}T${hour}:${minute}:${second}${places}${zone.replace('-00:00', '+00:00')}`;
}

function asBoolean(text: string): boolean | undefined {
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : undefined;
}

function typed(type: string, value: NodeValue): NodeValue | undefined {
  const text = textOf(value);
  switch (type) {
    case 'boolean':
      return typeof value === 'boolean' ? value : asBoolean(text);
    case 'integer':
    case 'positiveInt':
    case 'unsignedInt':
      return typeof value === 'number' ? value : /^[+-]?\d{1,10}$/.test(text) ? Number(text) : undefined;
    case 'decimal':
      return value instanceof NetDecimal ? value : NetDecimal.parse(text);
    case 'instant':
      return instantText(text);
    case 'base64Binary':
      return base64Form.test(text.replace(/\s/g, '')) ? text.replace(/\s/g, '') : undefined;
    default:
      return text;
  }
}

function inOrder(node: Node, code: CompatProblemCode): Node[] {
  const elements = r4Type(node.shape)?.elements;
  const place = (child: Node): number => elements?.get(child.key)?.order ?? Number.MAX_SAFE_INTEGER;
  return node.children.map((child) => asPoco(child, code)).toSorted((a, b) => place(a) - place(b));
}

/** A copy of a subtree as it comes back from Firely's classes. Throws the given code where they throw. */
export function asPoco(node: Node, code: CompatProblemCode): Node {
  const copy = new Node(node.definition, node.shape === 'Element' ? node.type : node.shape);
  if (node.value !== undefined) {
    const value = typed(node.type, node.value);
    if (value === undefined) throw new CompatProblem(code);
    copy.value = value;
  }
  for (const child of inOrder(node, code)) copy.add(child);
  return copy;
}
