/** Answers of a QuestionnaireResponse, named by their questions. */
import { describe, expect, it } from '@jest/globals';
import type { Resource } from '../../../src/fhir/resource.ts';
import { bundleOf, dropping, keep, observation, policyOf, redact, rest, rule } from '../support.ts';

const secret = [{ valueString: 'secret', item: [{ linkId: 'deep', answer: [{ valueString: 'secret' }] }] }];
const open = [{ valueBoolean: true }];
/** Parsed anew: JSON.parse never gives one object two places. */
const response = (...item: object[]): Resource =>
  JSON.parse(JSON.stringify({ resourceType: 'QuestionnaireResponse', id: 'q', status: 'completed', item })) as Resource;
const answers = (words: object, method = 'redact'): object => ({
  path: 'QuestionnaireResponse.item.answer',
  method,
  answersTo: words,
});
const policy = policyOf([answers({ linkIds: ['Phone'], texts: ['Date of Birth'], definitions: ['http://d#name'] })]);

describe('answersTo', () => {
  it.each([
    ['a linkId', { linkId: 'phone', answer: secret }],
    ['a linkId with space and other letters', { linkId: ' PHoNE ', answer: secret }],
    ['a linkId in full width', { linkId: 'Ｐｈｏｎｅ', answer: secret }],
    ['a text', { linkId: '1', text: 'date of birth', answer: secret }],
    ['a definition', { linkId: '1', definition: 'http://d#NAME', answer: secret }],
    ['a definition of some version', { linkId: '1', definition: 'http://d|1.2#name', answer: secret }],
    ...[
      'Date  of\tBirth',
      'date of birth?',
      'Date of Birth:',
      'Date of birth *',
      'DATE OF BIRTH ...',
      'Date of birth？',
    ].map((text): [string, object] => [`a text as forms have it: ${text}`, { linkId: '1', text, answer: secret }]),
    ['a group’s linkId', { linkId: 'phone', item: [{ linkId: '2', item: [{ linkId: '3', answer: secret }] }] }],
    ['a question below an answer', { linkId: '1', answer: [{ item: [{ linkId: 'phone', answer: secret }] }] }],
    [
      'a question whose answer holds more questions',
      { linkId: 'phone', answer: [{ item: [{ linkId: '2', answer: secret }] }] },
    ],
  ])('finds %s', (_name, item) => {
    expect(JSON.stringify(rest(response(item, { linkId: 'x', answer: open }), policy))).not.toContain('secret');
  });

  it.each([
    ['another item', { linkId: 'phones', answer: open }],
    ['a text where a linkId is asked for', { linkId: '1', text: 'phone', answer: open }],
    ['a text with a sign in its middle', { linkId: '1', text: 'date: of birth', answer: open }],
    ['a definition of another element', { linkId: '1', definition: 'http://d|1#names', answer: open }],
    ['an item without answers', { linkId: 'phone', text: 'Which phone?' }],
  ])('leaves %s', (_name, item) => {
    expect(rest(response(item), policy).item).toEqual([item]);
  });

  it('takes the answer where the word is none, to be safe, or withholds', () => {
    for (const item of [
      { linkId: ['phone'], answer: secret },
      { linkId: 5, answer: secret },
      { linkId: {}, answer: secret },
    ]) {
      const removing = policyOf([redact('QuestionnaireResponse.item.linkId'), answers({ linkIds: ['phone'] })]);
      expect(JSON.stringify(rest(response(item), removing))).not.toContain('secret');
    }
  });

  it('finds them contained, in a Bundle and in Parameters', () => {
    const inner = response({ linkId: 'phone', answer: secret });
    for (const outer of [
      observation({ contained: [inner] }),
      bundleOf({ resource: inner }),
      { resourceType: 'Parameters', id: 'x', parameter: [{ name: 'a', resource: inner }] },
    ]) {
      expect(JSON.stringify(rest(outer, policy))).not.toContain('secret');
    }
  });

  it('keeps by question under default: drop, and stands in its place of precedence', () => {
    const both = response({ linkId: 'phone', answer: open }, { linkId: 'x', answer: open });
    const keeping = dropping([keep('QuestionnaireResponse.item.linkId'), answers({ linkIds: ['phone'] }, 'keep')]);
    expect(rest(both, keeping).item).toEqual([{ linkId: 'phone', answer: open }, { linkId: 'x' }]);
    const rules = [answers({ linkIds: ['phone'] }, 'keep'), redact('QuestionnaireResponse.item.answer')];
    expect(rest(both, policyOf(rules)).item).toEqual([{ linkId: 'phone', answer: open }, { linkId: 'x' }]);
    const hidden = [redact('QuestionnaireResponse.item.answer.value'), answers({ linkIds: ['phone'] }, 'keep')];
    expect(rest(both, policyOf(hidden)).item).toEqual([{ linkId: 'phone' }, { linkId: 'x' }]);
  });

  it('works with other methods', () => {
    const item = { linkId: 'phone', answer: [{ valueString: 'secret' }] };
    const hashed = rest(response(item), policyOf([answers({ linkIds: ['phone'] }, 'cryptoHash')])).item;
    expect(hashed[0].answer).toEqual([{ valueString: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
    const constant = { ...answers({ linkIds: ['phone'] }, 'substitute'), params: { with: { valueString: 'X' } } };
    expect(rest(response(item), policyOf([constant])).item).toEqual([
      { linkId: 'phone', answer: [{ valueString: 'X' }] },
    ]);
    const dated = response({ linkId: 'phone', answer: [{ valueDate: '1990-01-02' }, { valueString: 'secret' }] });
    expect(
      rest(
        dated,
        policyOf([
          { ...answers({ linkIds: ['phone'] }), ...rule('QuestionnaireResponse.item.answer', 'dateTruncate') },
        ]),
      ).item,
    ).toEqual([{ linkId: 'phone', answer: [{ valueDate: '1990' }] }]);
  });
});

it('compares the policy’s own words likewise', () => {
  const asked = policyOf([answers({ texts: ['Name :', '?'], definitions: ['http://d|2'] })]);
  for (const item of [{ text: 'name' }, { text: '?' }, { definition: 'http://d' }, { definition: 'http://d|1' }]) {
    expect(JSON.stringify(rest(response({ linkId: '1', ...item, answer: secret }), asked))).not.toContain('secret');
  }
});

it('compares long texts in no time', () => {
  for (const sign of [' ', '?', ' :']) {
    const item = { linkId: '1', text: `${sign.repeat(300_000)}x`, answer: open };
    rest(response(item), policy);
  }
});

it('aidbox-default removes what it lists', () => {
  const items = ['Personal Email', 'Name', 'Phone', 'Date of Birth', 'Address'].flatMap((word) => [
    { linkId: word, answer: secret },
    { linkId: '1', text: word, answer: secret },
  ]);
  const source = {
    ...response(...items),
    patientFirstName: 'secret',
    patientLastName: 'secret',
    patientMiddleName: 'secret',
  };
  expect(JSON.stringify(rest(source, policyOf([], { extends: 'aidbox-default' })))).not.toContain('secret');
});
