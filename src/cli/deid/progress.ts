/** Progress on a terminal's standard error: what is done, how fast, and the share where the size is known. */
import { bytesText } from './units.ts';

export interface Progress {
  /** Begins a part of the work, from nothing. */
  begin(what: string, bytesTotal: number | undefined): void;
  bytes(count: number): void;
  records(count: number): void;
  /** Takes the line away. */
  end(): void;
}

const everyMilliseconds = 200;
const nothing = (): void => undefined;
const silent: Progress = { begin: nothing, bytes: nothing, records: nothing, end: nothing };

/** Silent where nobody looks: with `quiet`, or where `stream` is no terminal. */
export function startProgress(quiet: boolean, stream: NodeJS.WriteStream = process.stderr): Progress {
  if (quiet || !stream.isTTY) return silent;
  let [what, total, bytes, records, begun] = ['', undefined as number | undefined, 0, 0, Date.now()];
  const show = (): void => {
    const seconds = Math.max(0.001, (Date.now() - begun) / 1000);
    const share = total === undefined || total === 0 ? '' : ` · ${String(Math.floor((bytes / total) * 100))} %`;
    const rate = `${Math.round(records / seconds).toLocaleString('en')}/s · ${bytesText(bytes / seconds)}/s`;
    stream.write(`\r\u001B[K${what}: ${records.toLocaleString('en')} resources · ${rate}${share}`);
  };
  const timer = setInterval(show, everyMilliseconds);
  timer.unref();
  return {
    begin: (next, bytesTotal) => ([what, total, bytes, records, begun] = [next, bytesTotal, 0, 0, Date.now()]),
    bytes: (count) => (bytes += count),
    records: (count) => (records += count),
    end: () => {
      clearInterval(timer);
      stream.write('\r\u001B[K');
    },
  };
}
