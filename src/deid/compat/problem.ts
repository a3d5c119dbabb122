/**
 * What the tools of others throw on, as constant codes: neither a code nor a message ever tells data.
 */

export type CompatProblemCode =
  | 'input-not-json' // the text is no JSON
  | 'input-not-a-resource' // no object, no resourceType, or one that R4 does not have or that is abstract
  | 'input-unknown-element' // R4 has no such element there
  | 'input-wrong-type' // a value or an object where R4 has something else, or a text that is none of its type's
  | 'input-too-deep' // nested deeper than the engine walks
  | 'path-failed' // the FHIRPath library failed on a rule's path
  | 'path-yields-value' // a rule's path computes a value instead of naming nodes
  | 'generalize-not-primitive' // Microsoft's AnonymizerRuleNotApplicableException
  | 'generalize-failed' // a case's FHIRPath failed: the one that `processingErrors` is about
  | 'age-not-whole' // an age with a fraction under enablePartialAgesForRedact
  | 'date-out-of-range' // a shift out of the years 0001 to 9999
  | 'perturb-negative-range' // a negative number under a proportional range
  | 'perturb-not-a-number' // a number that an earlier rule made a text of
  | 'substitute-invalid' // `replaceWith` does not fit the element that the path names
  | 'meta-invalid'; // rules left a `meta` that cannot be labelled, such as a hashed lastUpdated

/** Thrown where Microsoft's tool throws. `isProcessingError` tells what its `processingErrors` setting is about. */
export class CompatProblem extends Error {
  override readonly name = 'CompatProblem';
  readonly code: CompatProblemCode;

  constructor(code: CompatProblemCode) {
    super(`compat: ${code}`);
    this.code = code;
  }

  get isProcessingError(): boolean {
    return this.code === 'generalize-failed';
  }
}
