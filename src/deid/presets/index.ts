/** The presets that a policy's `extends` may name. */
import type { PolicyDocument, PresetName } from '../policy.ts';
import { aidboxDefault } from './aidbox-default.ts';

export const presets: Readonly<Record<PresetName, PolicyDocument>> = { 'aidbox-default': aidboxDefault };
