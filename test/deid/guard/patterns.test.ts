/** Masking by form alone: what it takes for a number of somebody's, and what for a measurement. */
import { describe, expect, it } from '@jest/globals';
import { maskKinds } from '../../../src/deid/policy/document.ts';
import { maskNarrativePatterns, maskPatterns } from '../../../src/deid/guard/patterns.ts';

describe('masking by pattern', () => {
  it.each([
    // e-mail
    ['mail jane.doe+x@mail.example.org.', 'mail [email].'],
    ['<JANE@EXAMPLE.ORG>,bob@example.org', '<[email]>,[email]'],
    ['at 5 @ noon, @handle', 'at 5 @ noon, @handle'],
    // phone
    ['call (555) 010-4567 x12', 'call [phone]'],
    ['call 555.010.4567, 555-0100 or +1 555 010 4567', 'call [phone], [phone] or [phone]'],
    ['+44 (0)20 7946 0958', '[phone]'],
    ['020 7946 0958 / 01 23 45 67 89', '[phone] / [phone]'],
    ['5550104567', '[phone]'],
    // dates
    ['on 2020-03-04, 3/4/2020, 3/4/20, 4.3.2020', 'on [date], [date], [date], [date]'],
    ['2020-03-04T10:30:00.123+01:00', '[date]'],
    ['March 4, 2020 at 10:30 am', '[date]'],
    ['4 March 2020; Mar 4th; 4th of March', '[date]; [date]; [date]'],
    ['in March 2020, 2020-03, 03/2020', 'in [date], [date], [date]'],
    ['20200304', '[date]'],
    ['2020年3月4日', '[date]'],
    // numbers
    ['MRN 12345, MRN00012345', 'MRN [number], MRN[number]'],
    ['SSN 123-45-6789 or 123 45 6789', 'SSN [number] or [number]'],
    ['card 4111 1111 1111 1111', 'card [number]'],
    ['acct 12-3456-78', 'acct [number]'],
    ['550e8400-e29b-41d4-a716-446655440000', '[number]'],
    ['１２３４５６', '[number]'],
    // URLs, addresses of the net
    ['see https://example.org/a?b=c#d, www.example.org.', 'see [url], [url].'],
    ['10.0.0.1, 10.0.0.0/24', '[ip], [ip]'],
    ['fe80::1 2001:db8::8a2e:370:7334 ::ffff:10.0.0.1', '[ip] [ip] [ip]'],
    ['1:2:3:4:5:6:7:8', '[ip]'],
  ])('%j becomes %j', (text, expected) => {
    expect(maskPatterns(text, maskKinds)).toBe(expected);
  });

  it.each([
    'BP 120/80, T 98.6 F, pulse 72, SpO2 97%',
    'LOINC 8302-2, CPT 9921',
    'in 2024, from 2019-2020',
    'platelets 250,000/uL, 0.123456 mg',
    '1.5 - 2.5 mg at 10:30',
    'may 5 mg help; 2 tablets 3 times',
    'std::vector, a::b, 12:30:45',
    'T1, L4-L5, C3-C4, q12h, B12',
    '300.9 1000 mg',
  ])('leaves %j', (text) => {
    expect(maskPatterns(text, maskKinds)).toBe(text);
  });

  it('looks for the kinds that are asked for alone', () => {
    const text = 'a@example.org 555-010-4567 2020-03-04 1234567 http://x.example 10.0.0.1';
    expect(maskPatterns(text, [])).toBe(text);
    expect(maskPatterns(text, ['email'])).toBe(text.replace('a@example.org', '[email]'));
    expect(maskPatterns(text, ['date'])).toBe(text.replace('2020-03-04', '[date]'));
    expect(maskPatterns(text, ['ip'])).toBe(text.replace('10.0.0.1', '[ip]'));
    expect(maskPatterns(text, ['url'])).toBe(text.replace('http://x.example', '[url]'));
    expect(maskPatterns(text, ['number'])).toContain('2020-03-04');
  });

  it('keeps a narrative’s markup, and gives up one whose tags hold what is sought', () => {
    const narrative = '<div xmlns="http://www.w3.org/1999/xhtml"><p>tel 555<b>-010</b>-4567 &#12345;</p></div>';
    expect(maskNarrativePatterns(narrative, maskKinds)).toBe(
      '<div xmlns="http://www.w3.org/1999/xhtml"><p>tel [phone]<b></b> &#12345;</p></div>',
    );
    expect(maskNarrativePatterns('<div><a href="mailto:a@example.org">x</a></div>', maskKinds)).toBeUndefined();
  });
});
