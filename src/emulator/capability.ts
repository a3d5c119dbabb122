import type { JsonObject } from '../fhir/resource.ts';
import { fhirTypes } from './resource-types.ts';

/** A minimal CapabilityStatement, enough for a client that asks for the FHIR version and the types. */
export function capabilityStatement(): JsonObject {
  const interaction = [
    'read',
    'vread',
    'create',
    'update',
    'delete',
    'history-type',
    'history-instance',
    'search-type',
  ];
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    kind: 'instance',
    fhirVersion: '4.0.1',
    format: ['json'],
    software: { name: 'Aidbox double of fhir-sluice' },
    rest: [
      {
        mode: 'server',
        interaction: [{ code: 'transaction' }, { code: 'batch' }],
        resource: [...fhirTypes].map((type) => ({ type, interaction: interaction.map((code) => ({ code })) })),
      },
    ],
  };
}
