/** The presets that a policy's `extends` may name. */
import type { PolicyDocument, PresetName } from '../policy/document.ts';
import { aidboxDefault } from './aidbox-default.ts';
import { expert } from './expert.ts';
import { limitedDataset } from './limited-dataset.ts';
import { safeHarbor } from './safe-harbor.ts';

export const presets: Readonly<Record<PresetName, PolicyDocument>> = {
  'aidbox-default': aidboxDefault,
  'safe-harbor': safeHarbor,
  'limited-dataset': limitedDataset,
  expert,
};
