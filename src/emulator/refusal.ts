import type { JsonObject } from '../fhir/resource.ts';

/** One issue of an OperationOutcome. */
export interface Issue {
  readonly code: string;
  readonly diagnostics: string;
  readonly expression?: string;
}

const idsByStatus: Readonly<Record<number, string>> = {
  400: 'invalid',
  401: 'login',
  403: 'forbidden',
  404: 'not-found',
  409: 'duplicate',
  410: 'deleted',
  412: 'conflict',
  413: 'too-long',
  422: 'invalid',
};

/** A request that the server turns down: thrown where the reason is found, answered as an OperationOutcome. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly issues: readonly Issue[];

  constructor(status: number, issues: readonly Issue[] | Issue) {
    const list = Array.isArray(issues) ? (issues as readonly Issue[]) : [issues as Issue];
    super(list[0]?.diagnostics ?? String(status));
    this.status = status;
    this.issues = list;
  }

  /** The same refusal, said of one entry of a bundle. */
  at(expression: string): Refusal {
    return new Refusal(
      this.status,
      this.issues.map((issue) => ({ ...issue, expression })),
    );
  }

  /** The OperationOutcome that answers the request. */
  outcome(): JsonObject {
    const text = this.issues[0]?.diagnostics ?? '';
    return {
      resourceType: 'OperationOutcome',
      id: idsByStatus[this.status] ?? 'exception',
      text: { status: 'generated', div: text },
      issue: this.issues.map((issue) => ({
        severity: 'fatal',
        code: issue.code,
        diagnostics: issue.diagnostics,
        ...(issue.expression === undefined ? {} : { expression: [issue.expression] }),
      })),
    };
  }
}

export const badRequest = (text: string): Refusal => new Refusal(400, { code: 'invalid', diagnostics: text });
export const unprocessable = (text: string): Refusal => new Refusal(422, { code: 'invalid', diagnostics: text });
export const notFound = (text: string): Refusal => new Refusal(404, { code: 'not-found', diagnostics: text });
/** Source: Aidbox docs, page "Update", section "Versioned Update". */
export const versionMismatch = (): Refusal =>
  new Refusal(412, { code: 'conflict', diagnostics: 'Version Id mismatch' });
export const unknownType = (type: string): Refusal => notFound(`resource type not known: ${type}`);
