/**
 * Puts a failure's message and stack into a payload, so that the codec encrypts them too; by default they are plain
 * in the history. (Temporal docs: 'Failure Converter'.)
 *
 * Loaded by path, into Node and into the workflow bundle: it must import nothing but '@temporalio/common'. A failure's `type`
 * stays plain on the server, so types are constants.
 */
import { DefaultFailureConverter } from '@temporalio/common';

/** The export's name is the SDK's. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
