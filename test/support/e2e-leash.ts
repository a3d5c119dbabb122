/**
 * Preloaded into a test's child processes (`node --import`): the child ends when its parent does, however that ends.
 * Standard input is the leash, since the system closes it for a parent that was killed, too.
 */
import { isMainThread } from 'node:worker_threads';

const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};

// Worker threads are preloaded as well, with a standard input of their own that is empty.
if (isMainThread) {
  process.stdin.on('end', die).on('close', die).on('error', die).resume();
  // The leash alone keeps nobody alive: a worker that has stopped must be seen to exit by itself.
  (process.stdin as unknown as { unref?: () => void }).unref?.();
}
