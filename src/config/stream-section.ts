/** The section `streams`: each type once, in one direction, and none that steers the service. */
import type { StreamConfig } from './config.ts';
import { type Path, pathText } from './problems.ts';
import { everySeconds } from './schema.ts';
import type { Section, SectionTools } from './section-tools.ts';

/** Types that steer this service, or open the door of a server: data must not take their place. */
const controlTypes = new Set(['AidboxInstance', 'ChangesInfo', 'AccessPolicy', 'Client', 'Role', 'Session', 'User']);

/** A cursor is called `<instance>.<direction>.<Type>`, and its lanes `….l31`: 64 characters, FHIR's bound for an id. */
const idCharsMax = 64 - '.l31'.length;

/** The streams, one for each type; what is missing stands among the mistakes. */
export function readStreams(tools: SectionTools, instance: string, document: Section<'streams'>): StreamConfig[] {
  const byType = new Map<string, { direction: string | undefined; path: Path }>();
  return document.flatMap((group, index) =>
    (group?.types ?? []).flatMap((type, position) => {
      const { direction, every } = group ?? {};
      if (type === undefined) return [];
      const path = ['streams', index, 'types', position];
      checkType(tools, instance, direction ?? 'down', type, path);
      const other = byType.get(type);
      if (other !== undefined) {
        const sentence = other.direction === direction ? 'twice' : 'in both directions';
        tools.mistake(
          path,
          `${type} ${sentence} (also ${pathText(other.path)})`,
          'each type once, in one direction: one side owns it',
        );
      }
      byType.set(type, { direction, path });
      return direction === undefined || every === undefined
        ? []
        : [{ direction, type, everySeconds: everySeconds(every) }];
    }),
  );
}

function checkType(tools: SectionTools, instance: string, direction: string, type: string, path: Path): void {
  if (controlTypes.has(type))
    tools.mistake(path, type, 'a type of data: this one steers the service or opens a server');
  const room = idCharsMax - `${instance}.${direction}.`.length;
  if (type.length > room)
    tools.mistake(
      path,
      `a name of ${String(type.length)} characters`,
      `at most ${String(room)}: it stands in the cursor's id`,
    );
}
