/** What the output check may say, and how it stops at the first thing that is wrong. Constant codes, never data. */

/** What is wrong with an output. */
export type OutputMistake =
  | 'not-a-resource' // no object, or of a type that neither R4 nor the policy has
  | 'dropped-type' // a resource that a rule takes whole
  | 'id-form' // an id, own, contained or nested, that is no pseudonym of this key version
  | 'tags' // origin, policy or key tag missing, doubled, altered, or on a contained resource
  | 'server-meta' // meta holds what is the source server's, or codings in another than their plain form
  | 'removed-path' // something stands where a rule removes
  | 'unnamed-path' // something stands where no rule lets it pass
  | 'unknown-extension' // an extension that no rule names, under a policy that does not keep those
  | 'value-form' // no value that the rule's method can have made
  | 'json-type' // not the JSON that R4 has here, or an empty object or list
  | 'reference-form' // a literal reference that is not ours
  | 'local-reference' // `#x` without such a contained resource
  | 'hidden-reference' // a literal `Type/id` of the source, or the id that the resource had there, outside a reference
  | 'bundle-address' // a fullUrl or a request's url that was not rewritten
  | 'forbidden-key' // `__proto__` and its like
  | 'too-deep';

export type OutputVerdict = { readonly ok: true } | { readonly ok: false; readonly reason: OutputMistake };

/** Ends a check; caught where the check began and turned into a verdict. */
export class Mistake extends Error {
  readonly code: OutputMistake;
  constructor(code: OutputMistake) {
    super(code);
    this.code = code;
  }
}
