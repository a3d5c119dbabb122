/** By which forms a removed value of each class is recognised, and by which it is not. */
import { describe, expect, it } from '@jest/globals';
import { wordsOf } from '../../../src/deid/guard/words.ts';
import type { GuardClass } from '../../../src/deid/policy/document.ts';
import { isFound } from './support.ts';

const found: Record<string, readonly (readonly [string, GuardClass, readonly string[]])[]> = {
  'a name': [
    [
      'Okonkwo',
      'name',
      ['Okonkwo', 'OKONKWO', "okonkwo's", 'Mr.Okonkwo', 'Okonkwo-Bello', '(Okonkwo)', 'okonkwo_1', 'JaneOkonkwo'],
    ],
    ["O'Brien", 'name', ["O'Brien", 'O’Brien', 'OBrien', 'O Brien', "O'BRIEN'S"]],
    ['Jean-Paul', 'name', ['Jean Paul', 'Jeanpaul', 'jean‑paul']],
    ['McDonald', 'name', ['McDonald', 'MCDONALD', 'Mc Donald']],
    ['Mc Donald', 'name', ['McDonald']],
    ['De La Cruz', 'name', ['de la Cruz', 'DeLaCruz', 'Delacruz']],
    ['Müller', 'name', ['Müller', 'Mu\u0308ller', 'Muller', 'MUELLER']],
    ['Mueller', 'name', ['Müller']],
    ['Łukasz Ørsted', 'name', ['Lukasz', 'Orsted', 'Oersted']],
    ['Maegan141', 'name', ['Maegan141', 'Maegan', 'maegan 141']],
    ['Maegan', 'name', ['Maegan141']],
    ['Ng', 'name', ['Ng', 'seen by NG']],
    ['White', 'name', ['White', 'mr white', 'White came']],
    ['Will', 'name', ['Seen with Will today', 'Will Okafor', 'Dr. will']],
    ['Van', 'name', ['Ms. Van']],
    ['Ольга', 'name', ['ольга', 'ОЛЬГА']],
    ['Σωκράτης', 'name', ['ΣΩΚΡΑΤΗΣ', 'Σωκρατης']],
    ['أحمد', 'name', ['احمد', 'أَحْمَد']],
    ['山田太郎', 'name', ['患者は山田太郎です', '山田さん', '太郎']],
    ['山田', 'name', ['患者の山田太郎']],
    ['김철수', 'name', ['김철수는', '김철수'.normalize('NFD'), '철수']],
    ['สมชาย', 'name', ['คุณสมชายมา']],
    ['ﬁ\u00adscher', 'name', ['fi\u200bscher', 'FISCHER']],
    ['123 Main St', 'address', ['123 Main', 'at main street', '123 MAIN ST']],
    ['Hauptstraße 12', 'address', ['Hauptstrasse 12', 'Hauptstr. 12']],
    ['350 5th Avenue', 'address', ['on 5th Ave', '5TH AVENUE']],
    ['Boston', 'address', ['from boston']],
    ['New York', 'address', ['new york', 'New\nYork']],
    ['Saint Louis', 'address', ['St. Louis']],
    ['Winston-Salem', 'address', ['Winston Salem']],
    ['12 Elmwood Rd, Springfield, IL 62704', 'address', ['Springfield', '12 Elmwood Road', 'ZIP 62704']],
    ['東京都千代田区丸の内', 'address', ['住所は東京都千代田区丸の内です']],
  ],
  'a postal code': [
    ['02134', 'postalCode', ['MA 02134', '02134-1234', 'MA02134']],
    ['02134-1234', 'postalCode', ['02134', '02134-1234']],
    ['SW1A 1AA', 'postalCode', ['sw1a 1aa', 'SW1A1AA']],
    ['K1A 0B1', 'postalCode', ['K1A 0B1', 'K1A0B1']],
    ['123 45', 'postalCode', ['123 45']],
  ],
  'a contact': [
    [
      '(555) 123-4567',
      'contact',
      ['555.123.4567', '+1 555 123 4567', '5551234567', '1-555-123-4567', '123-4567', 'tel:+15551234567'],
    ],
    ['+1 555 123 4567', 'contact', ['(555)123-4567', '555 123 4567 ext. 9', '15551234567']],
    ['123-4567', 'contact', ['123 4567', '(617) 123-4567', '6171234567']],
    ['+49 30 123456', 'contact', ['030 123456', '030/123456']],
    ['+44 20 7946 0958', 'contact', ['020 7946 0958', '00442079460958']],
    ['01 23 45 67 89', 'contact', ['01.23.45.67.89', '+33 1 23 45 67 89']],
    [
      'Jane.Doe+fhir@Example.org',
      'contact',
      ['mail jane.doe+fhir@example.org.', '<jane.doe@example.org>', 'mailto:JANE.DOE@EXAMPLE.ORG'],
    ],
    ['https://www.example.org/~jane/', 'contact', ['see http://example.org/~jane?x=1.', 'www.example.org/~jane']],
    ['@janedoe77', 'contact', ['on @janedoe77', 'janedoe77']],
    ['zbig.kow@example.com', 'contact', ['zbig.kow', 'zbig.kow at example.com', 'zbig.kow(at)example.com', 'zbig_kow']],
  ],
  'an identifier': [
    ['MRN-00012345', 'identifier', ['MRN00012345', '00012345', '12345', 'mrn 00012345', 'MRN12345']],
    ['12345', 'identifier', ['MRN12345', '0012345', '12345.']],
    ['123-45-6789', 'identifier', ['123456789', '123 45 6789', '123.45.6789', 'SSN:123-45-6789']],
    ['123456789', 'identifier', ['123-45-6789']],
    ['AB12 CD34', 'identifier', ['ab12cd34', 'AB12-CD34', 'AB 12 CD 34']],
    ['QQ 12 34 56 C', 'identifier', ['QQ123456C']],
    ['12-34-56', 'identifier', ['123456', '12-34-56']],
    ['123/45', 'identifier', ['123/45', '12345']],
    [
      '550e8400-e29b-41d4-a716-446655440000',
      'identifier',
      ['550E8400E29B41D4A716446655440000', 'urn:uuid:550e8400-e29b-41d4-a716-446655440000'],
    ],
    ['urn:oid:1.2.840.113619.2.5.1762583153', 'identifier', ['1.2.840.113619.2.5.1762583153', '1762583153']],
    ['10.20.30.40', 'identifier', ['from 10.20.30.40:8080']],
    ['(01)00844588003288(21)7654321D', 'identifier', ['(01)00844588003288(21)7654321D', '00844588003288']],
    ['4711', 'identifier', ['MRN 4711', 'seen as 4711.', '(4711)', '4711']],
    ['X-99', 'identifier', ['X-99', 'X99', 'sample X-99 today', 'MRN: X-99']],
    ['A7', 'identifier', ['A7', 'MRN A7']],
    ['007', 'identifier', ['007', 'id 007', 'agent 007 came']],
    ['47', 'identifier', ['MRN 47', 'MRN47', 'No. 47', '#47']],
    ['889213', 'identifier', ['889 213', '889.213', '889’213', '889,213', '889-213', '88 92 13', 'no 889.213.']],
    ['1889213', 'identifier', ['1,889,213', '1.889.213', '1 889 213']],
    ['98765', 'identifier', ['98 765', '98.765', '98,765']],
    ['ACME Plan', 'identifier', ['the Acme plan']],
    ['1970-01-02', 'identifier', ['1970-01-02']],
  ],
  'a date': [
    [
      '1970-01-02',
      'date',
      [
        '1970-01-02T10:00:00Z',
        '1/2/1970',
        '01/02/1970',
        '2.1.1970',
        '02/01/1970',
        '1-2-1970',
        '1/2/70',
        '19700102',
        '1970/1/2',
        '2 January 1970',
        '2nd of January 1970',
        'Jan 2, 1970',
        'January 2nd, 1970',
        '02-Jan-1970',
        '02JAN1970',
        '2. Januar 1970',
        '2 janvier 1970',
        '2 de enero de 1970',
        '1970年1月2日',
        '19700102103000',
        "Jan. 2 '70",
        'dob19700102',
        '02 января 1970',
        '2 січня 1970',
        '2 stycznia 1970',
        '2. ledna 1970',
        '2. januar 1970',
        '2. tammikuuta 1970',
        '1970. január 2.',
        '2 ianuarie 1970',
        '2 Ocak 1970',
        '2 Ιανουαρίου 1970',
      ],
    ],
    ['1970-01-02T23:30:00-05:00', 'date', ['1970-01-02']],
  ],
  'free text': [
    [
      "Call Ann O'Malley on 555-010-4567, MRN 00077123, b. 2 Jan 1970, ann@example.org",
      'words',
      ['Ann', 'OMalley', '(555) 010 4567', '77123', '1/2/1970', 'ANN@example.org'],
    ],
    ['担当は山田太郎', 'words', ['担当は山田太郎']],
  ],
};

describe.each(Object.entries(found))('%s that was removed', (_title, cases) => {
  const rows = cases.flatMap(([removed, guardClass, texts]) =>
    texts.map((text) => [removed, guardClass, text] as const),
  );
  it.each(rows)('%j (%s) is found in %j', (removed, guardClass, text) => {
    expect(isFound(removed, guardClass, text)).toBe(true);
  });
});

describe('what is not taken for a removed value', () => {
  it.each<[string, GuardClass, string]>([
    ['123 Main Street', 'address', 'Main complaint: chest pain on the street'],
    ['2 Main Street', 'address', '2 main vessels'],
    ['Apt 3', 'address', 'appt: apt 3 pm'],
    ['Memorial Hospital', 'address', 'seen in hospital'],
    ['12 Medical Center', 'address', 'the medical center'],
    ['Normal', 'address', 'normal sinus rhythm'],
    ['White', 'name', 'white blood cells'],
    ['Will', 'name', 'Will follow up; she will come'],
    ['Ng', 'name', '5 ng/mL'],
    ['An', 'name', 'an apple'],
    ['Ann', 'name', 'annual visit'],
    ['Dr. James Okafor Jr.', 'name', 'Dr. Smith, PhD, jr'],
    ['James van der Berg', 'name', 'Van der Woude, der, de'],
    ['2000', 'postalCode', 'in 2000'],
    ['12080', 'postalCode', 'BP 120/80'],
    ['12080', 'identifier', 'BP 120/80, 120 80'],
    ['83022', 'identifier', 'LOINC 8302-2'],
    ['2024', 'identifier', 'in 2024'],
    ['47', 'identifier', '47 mg, 47%, 47'],
    ['120', 'identifier', 'BP 120/80, 120 mg'],
    ['4711', 'identifier', '4711.5 ml, 12:4711, 4711%, 4711-2'],
    ['A7', 'identifier', 'lesion at A7'],
    ['A10', 'identifier', 'a 10 mg dose'],
    ['7', 'identifier', 'MRN 7'],
    ['120801', 'identifier', '120 80 1'],
    ['info@example.org', 'contact', 'for info'],
    ['contact@example.org', 'contact', 'no contact'],
    ['(617) 555-0100', 'contact', '5085550100'],
    ['urn:oid:1.2.840.113619.2.5.1762583153', 'identifier', 'urn:oid:1.2.840.113619.9'],
    ['1970-01', 'date', '1970-01-02'],
    ['Patient denies pain', 'words', 'patient with pain denies fever'],
    ['anything at all', 'none', 'anything at all'],
  ])('%j (%s) in %j', (removed, guardClass, text) => {
    expect(isFound(removed, guardClass, text)).toBe(false);
  });
});

describe('words of removed values', () => {
  it('are each told once', () => {
    const words = wordsOf('Okonkwo Okonkwo, Okonkwo', 'name');
    expect(new Set(words).size).toBe(words.length);
  });

  it.each<GuardClass>(['name', 'address', 'postalCode', 'contact', 'identifier', 'date', 'words', 'none'])(
    'of class %s are none for what says nothing',
    (guardClass) => {
      for (const value of ['', ' ', '-', '.', '\0', '\ud800', '[removed]'])
        expect(wordsOf(value, guardClass)).toEqual([]);
    },
  );

  it('of placeholders and titles are none', () => {
    for (const value of ['Unknown', 'Mr.', 'Jr', 'III', 'Dr. med.', 'X']) {
      expect(wordsOf(value, 'name').filter((word) => !word.includes('med'))).toEqual([]);
    }
  });

  it('keep to what a name is: Synthea’s number goes and stays', () => {
    expect(wordsOf('Ritchie586', 'name')).toEqual(expect.arrayContaining(['ritchie586', 'ritchie']));
    expect(wordsOf("O'Brien", 'name')).toEqual(expect.arrayContaining(['obrien', 'brien']));
    expect(wordsOf('Smith-Jones', 'name')).toEqual(expect.arrayContaining(['smith', 'jones']));
    expect(wordsOf('123 Main Street', 'address')).toEqual(['123 main', 'main st']);
  });
});
