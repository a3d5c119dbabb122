/** What is left of a kept value when a removed one stands in it. */
import { describe, expect, it } from '@jest/globals';
import { maskText } from '../../../src/deid/guard/mask.ts';
import type { TextKind } from '../../../src/deid/guard/tokens.ts';
import type { GuardClass } from '../../../src/deid/policy/document.ts';
import { maskedOf } from './support.ts';

describe('masking', () => {
  it.each<[string, GuardClass, string, string]>([
    ['Jane Okonkwo', 'name', 'Ms. Jane Okonkwo, seen today', 'Ms. [removed], seen today'],
    ['Okonkwo', 'name', 'Okonkwo-Bello and okonkwo’s son', '[removed]-Bello and [removed]’s son'],
    ['Okonkwo', 'name', 'OkonkwoBello', '[removed]'],
    ['Maegan141', 'name', 'Maegan141 and Maegan586', '[removed] and [removed]'],
    ['Müller', 'name', 'Hr. Mu\u0308ller\u0301 kam', 'Hr. [removed] kam'],
    ['山田太郎', 'name', '患者は山田太郎です', '患者は[removed]です'],
    [
      '123 Main Street',
      'address',
      'Main complaint: pain; lives 123 Main St.',
      'Main complaint: pain; lives [removed].',
    ],
    ['(555) 010-4567', 'contact', 'call (555) 010-4567 or +1 555 010 4567 now', 'call [removed] or [removed] now'],
    ['jane.doe@example.org', 'contact', 'to <Jane.Doe@example.org>', 'to <[removed]>'],
    ['Okonkwo', 'name', 'to jane.okonkwo77@example.org.', 'to [removed].'],
    ['MRN-00012345', 'identifier', 'MRN: 12345, BP 120/80', 'MRN: [removed], BP 120/80'],
    ['1970-01-02', 'date', 'born Jan 2, 1970 (54y)', 'born [removed] (54y)'],
  ])('of %j (%s) in %j leaves %j', (removed, guardClass, kept, expected) => {
    expect(maskedOf(removed, guardClass, kept)).toBe(expected);
  });

  it('gives the very same string where there is no hit', () => {
    const text = 'Café au lait spots';
    expect(maskedOf('Okonkwo', 'name', text)).toBe(text);
  });

  it.each<[TextKind, string, GuardClass, string]>([
    ['uri', '12345678', 'identifier', 'http://x.example/12345678'],
    ['code', '12345678', 'identifier', '12345678'],
    ['date', '1970-01-02', 'date', '1970-01-02'],
    ['xhtml', 'Okonkwo', 'name', '<div><p title="Okonkwo">x</p></div>'],
    ['xhtml', 'Okonkwo', 'name', '<div><!-- Okonkwo --></div>'],
  ])('drops a %s that cannot be masked', (kind, removed, guardClass, kept) => {
    expect(maskedOf(removed, guardClass, kept, kind)).toBeUndefined();
  });

  it.each([
    ['<div><p>Mr. Okonkwo &amp; son</p></div>', '<div><p>Mr. [removed] &amp; son</p></div>'],
    ['<div>Okon<b>kwo</b> x</div>', '<div>[removed]<b></b> x</div>'],
    ['<div>Ok&#111;nkwo&nbsp;x</div>', '<div>[removed]&nbsp;x</div>'],
    ['<div>Okon&shy;kwo</div>', '<div>[removed]</div>'],
    ['<div class="okonkwo">Okonkwo</div>', '<div class="okonkwo">[removed]</div>'],
  ])('keeps the markup of %j', (kept, expected) => {
    expect(maskedOf('Okonkwo', 'name', kept, 'xhtml')).toBe(expected);
  });

  it('goes on where masking brings something new to light', () => {
    // The numbers of an OID count only once it is none any more.
    const words = new Set(['o:1.2.3.4', '12345678']);
    const masked = maskText('1.2.3.4 1.2.3.12345678', 'text', (token) => words.has(token));
    expect(masked).not.toContain('12345678');
  });

  it('never takes its own markers for words', () => {
    for (const text of ['[removed]', 'a [removed] b', '[date] [phone]']) {
      expect(maskText(text, 'text', (token) => /removed|date|phone/.test(token))).toBe(text);
    }
  });
});
