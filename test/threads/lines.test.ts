import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { deleteLine, lineRanges, parseLine, putFrame, putLine } from '../../src/threads/lines.ts';

describe('the staged form of a batch', () => {
  it('gives back what was written, whatever the texts hold', () => {
    const text = fc.string({ unit: 'binary' });
    const put = fc.record({ resourceType: fc.constant('Patient'), id: fc.constant('a'), text });
    const states = fc.array(fc.oneof(put, fc.constant('gone')), { maxLength: 8 });
    fc.assert(
      fc.property(states, (all) => {
        const lines = all.map((one) => (typeof one === 'string' ? deleteLine(one) : putLine(JSON.stringify(one))));
        const bytes = Buffer.from(lines.join(''));
        const found = [...lineRanges(bytes)].map(({ start, end }) => {
          const line = parseLine(bytes, start, end);
          if (line.kind === 'delete') return line.id;
          const json = bytes.subarray(start + putFrame.before, end - putFrame.after).toString('utf8');
          expect(JSON.parse(json)).toEqual(line.resource);
          return line.resource;
        });
        const expected = all.map((one): unknown => JSON.parse(JSON.stringify(one)));
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
});
