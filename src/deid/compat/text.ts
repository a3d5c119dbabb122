/**
 * From text to text: decimals keep their digits on the way in, so that `1.50` is hashed as `1.50`, and are written as
 * Microsoft's tool writes them, with a point. What `anonymizeCompat` gets is numbers, which have lost that.
 */
import type { Json } from '../../fhir/resource.ts';
import { anonymizeTree } from './engine.ts';
import type { CompatEngine } from './engine.ts';
import { CompatProblem } from './problem.ts';
import { NumberText } from './tree/values.ts';
import { writeResource } from './tree/write.ts';

export type CompatTextResult =
  | { readonly kind: 'resource'; readonly text: string }
  | { readonly kind: 'withheld'; readonly reason: 'processing-error' };

/** What ECMAScript's JSON.parse with source text access adds; TypeScript's library does not know it yet. */
interface SourceJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): Json;
}

const sourceJson = JSON as unknown as SourceJson;

function parse(text: string): unknown {
  try {
    return sourceJson.parse(text.replace(/^\ufeff/, ''), (_key, value, { source }) =>
      typeof value === 'number' && source !== undefined ? new NumberText(source) : value,
    );
  } catch {
    throw new CompatProblem('input-not-json'); // the parser's message quotes the text
  }
}

/** Runs the rules over the JSON text of a resource. */
export function anonymizeCompatText(engine: CompatEngine, text: string): CompatTextResult {
  const root = anonymizeTree(engine, parse(text));
  if (root === undefined) return { kind: 'withheld', reason: 'processing-error' };
  const resource = writeResource(root, (decimal) => {
    const digits = decimal.toString();
    return sourceJson.rawJSON(digits.includes('.') ? digits : `${digits}.0`);
  });
  return { kind: 'resource', text: JSON.stringify(resource) };
}
