/** Extra steps for tests, told apart by the query of the module's address. */
import type { Step } from '../../../src/threads/step-task.ts';

const what = new URL(import.meta.url).searchParams.get('do');

type Resources = Parameters<Step>[0];
type Resource = Resources[number];

const changes: Record<string, (resources: Resources) => unknown> = {
  marks: (resources) => resources.map((one) => ({ ...one, active: true })),
  drops: (resources) => resources.slice(1),
  renames: (resources) => resources.map((one) => ({ ...one, id: `${one.id ?? ''}x` })),
  retypes: (resources) => resources.map((one) => ({ ...one, resourceType: 'Person' })),
  adds: (resources) => [...resources, { ...resources[0], id: 'p1-new' }],
  doubles: (resources) => [...resources, ...resources],
  throws: (resources) => {
    throw new Error(`canary in an error: ${JSON.stringify(resources)}`);
  },
  returnsNothing: () => undefined,
  returnsNull: () => [null],
  returnsCircles: (resources) => {
    const circle: Record<string, unknown> = { ...resources[0] };
    circle.self = circle;
    return [circle];
  },
  names: (resources) => resources.map((one) => ({ ...one, name: [{ family: 'Re-Identified' }] })),
  untags: (resources) => resources.map(({ meta: _meta, ...rest }): Resource => rest),
};

export default function step(resources: Resources): unknown {
  return changes[what ?? '']?.(resources);
}
