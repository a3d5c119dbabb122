/**
 * An extra step: leaves of devices what is coded, and drops what people typed about them.
 *
 * A step is a module whose default export is a pure function over a batch's resources. `sluice.yaml` names it:
 *
 *     steps:
 *       - { name: drop-device-text, module: steps/drop-device-text.ts }
 *
 * Every batch then passes it as an activity of its own, `step-drop-device-text` in Temporal's UI, between anonymize and
 * authorize, in a worker thread. It may change resources and leave some out (those count as withheld); it can neither add
 * one nor change an id, and what it returns still goes through the output check, so that it cannot undo the policy.
 */
import type { JsonObject, Resource } from '../../src/fhir/resource.ts';
import type { Step } from '../../src/threads/step-task.ts';

const dropDeviceText: Step = (resources, { direction, type }) =>
  direction === 'up' && type === 'Device' ? resources.map(codedOnly) : resources;

export default dropDeviceText;

function codedOnly({ deviceName: _names, note: _notes, type, ...rest }: Resource): Resource {
  return { ...rest, ...(isConcept(type) && { type: withoutText(type) }) };
}

const isConcept = (value: Resource[string] | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Text beside codes repeats them or adds to them; text alone is what somebody typed. */
function withoutText({ text: _text, ...concept }: JsonObject): JsonObject {
  return concept;
}
