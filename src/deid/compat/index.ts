/** Others' configurations: read, run as they are, converted. */
export type { CompatConfig, CompatDialect, CompatMethod, CompatRule } from './config/document.ts';
export { readCompatConfig } from './config/read.ts';
export type { CompatReading } from './config/read.ts';
export { anonymizeCompat, compileCompat } from './engine.ts';
export type { CompatEngine, CompatOptions, CompatResult } from './engine.ts';
export type { CompatRandom } from './methods/method.ts';
export { decryptText } from './methods/secrets.ts';
export { CompatProblem } from './problem.ts';
export type { CompatProblemCode } from './problem.ts';
export { anonymizeCompatText } from './text.ts';
export type { CompatTextResult } from './text.ts';
export { convertCompat } from './convert.ts';
export type { Change, Conversion, ConversionNote, ConversionOptions, Unconvertible } from './convert.ts';
