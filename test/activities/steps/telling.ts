/** An extra step for tests that writes a name into every note: what a step adds is guarded as well. */
import type { Step } from '../../../src/threads/step-task.ts';

const telling: Step = (resources) => resources.map((one) => ({ ...one, note: [{ text: 'Said by Zephyrine Quill.' }] }));

export default telling;
