/** The FHIRPath library as the compatibility engine sees it. Source: https://github.com/HL7/fhirpath.js */
import { loadFhirPath } from '../../path/fhirpath.ts';
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

/** The library with what this engine asks of it. */
export const loadLibrary = (): { readonly library: Library; readonly model: unknown } =>
  loadFhirPath() as { readonly library: Library; readonly model: unknown };

/** Whether a result is a node, and no computed value. */
export const isLibraryNode = (found: unknown): found is LibraryNode =>
  typeof found === 'object' && found !== null && 'parentResNode' in found;
