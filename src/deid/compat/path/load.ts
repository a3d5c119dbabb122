/** The FHIRPath library, loaded when the first rule needs it: it costs a fifth of a second. https://github.com/HL7/fhirpath.js */
import { createRequire } from 'node:module';
import type { Syntax } from './unparse.ts';
import type { LibraryNode, TreeView } from './view.ts';

/** What the library hands to a function of ours as `this`; `vars` are ours. */
export interface LibraryContext {
  readonly vars: { readonly tree: TreeView };
}

export type Evaluate = (data: unknown, variables: { readonly tree: TreeView }) => unknown[];

export interface Library {
  parse(expression: string): Syntax;
  compile(
    expression: string | { readonly base: string; readonly expression: string },
    model: unknown,
    options: Readonly<Record<string, unknown>>,
  ): Evaluate;
  readonly util: {
    makeChildResNodes(context: unknown, parent: LibraryNode, name: string, model: unknown): LibraryNode[];
  };
}

/** `trace` is among the other tools' functions, and would print a patient's name; nothing is asked of servers. */
export const quiet = { async: false, traceFn: (): void => undefined };

let loaded: { readonly library: Library; readonly model: unknown } | undefined;

export function loadLibrary(): { readonly library: Library; readonly model: unknown } {
  const require = createRequire(import.meta.url);
  return (loaded ??= { library: require('fhirpath') as Library, model: require('fhirpath/fhir-context/r4') });
}

/** Whether a result is a node, and no computed value. */
export const isLibraryNode = (found: unknown): found is LibraryNode =>
  typeof found === 'object' && found !== null && 'parentResNode' in found;
