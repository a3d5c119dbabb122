import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { deleteLine, lineRanges, markIn, parseLine, putFrame, putLine } from '../../src/threads/lines.ts';

describe('the staged form of a batch', () => {
  it('gives back what was written, whatever the texts and marks hold', () => {
    const text = fc.string({ unit: 'binary' });
    const put = fc.record({ resourceType: fc.constant('Patient'), id: fc.constant('a'), text });
    const mark = fc.option(fc.uint8Array({ minLength: 1, maxLength: 40 }), { nil: undefined });
    const states = fc.array(fc.oneof(fc.record({ put, mark }), fc.constant('gone')), { maxLength: 8 });
    fc.assert(
      fc.property(states, (all) => {
        const lines = all.map((one) =>
          typeof one === 'string'
            ? deleteLine(one)
            : putLine(JSON.stringify(one.put), one.mark && Buffer.from(one.mark)),
        );
        const bytes = Buffer.from(lines.join(''));
        const found = [...lineRanges(bytes)].map(({ start, end }) => {
          const line = parseLine(bytes, start, end);
          const frame = putFrame(bytes, start, end);
          if (line.kind !== 'put') {
            expect(frame).toBeUndefined();
            return line.id;
          }
          const json = bytes.subarray(frame!.start, frame!.end).toString('utf8');
          expect(JSON.parse(json)).toEqual(line.resource);
          const read = markIn(bytes, frame!);
          return { put: line.resource, mark: read && new Uint8Array(read) };
        });
        const expected = all.map((one): unknown =>
          typeof one === 'string' ? one : { put: JSON.parse(JSON.stringify(one.put)) as unknown, mark: one.mark },
        );
        expect(found).toEqual(expected);
      }),
    );
  });

  it('reads a last line without its end, and no line out of nothing', () => {
    expect([...lineRanges(Buffer.from('\n\n'))]).toEqual([]);
    expect([...lineRanges(Buffer.from('ab\nc'))]).toEqual([
      { start: 0, end: 2 },
      { start: 3, end: 4 },
    ]);
  });

  it('is without a mark what it was before there were marks', () => {
    expect(putLine('{"id":"a"}')).toBe('{"e":"put","r":{"id":"a"}}\n');
  });
});
