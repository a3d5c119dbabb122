/**
 * Lists that keep the guard from masking half of a report because a patient is called Will White and lives on Main
 * Street. They name kinds of words, never people; a word on none of them is always compared.
 */

/** What a word may be taken for. */
export type WordKind =
  | 'title' // Dr, Jr, III: tells nobody, never compared
  | 'function' // will, an, de: compared where it is written like a name, within a sentence
  | 'particle' // van, de, la: the same, and not told by where a name has other parts
  | 'common' // main, patient, tumor: compared where it begins with a capital; says nothing in removed free text
  | 'proper' // white, rose, normal: surnames and towns that are words too; compared where it begins with a capital
  | undefined;

const titles =
  'mr mrs ms miss mx dr prof sir dame rev fr hon capt col gen maj sgt lt jr sr ii iii iv phd md dds dmd dvm esq rn lpn np pa pac ' +
  'pharmd mph msc bsc msn bsn facp facs faan mba cpa frcp herr frau mme mlle dhr mevr unknown none null anonymous unspecified ' +
  'na nkn nmn fnu lnu';

const functionWords =
  'a an the and or nor not no yes but if so as at by for from in into of off on onto out over to up upon with within without via per ' +
  'is am are was were be been being has have had having do does did done can could may might must shall should will would ' +
  'i me my we us our you your he him his she her hers it its they them their this that these those there here who whom whose ' +
  'which what when where why how all any both each few more most other some such than then too very just only also again now ' +
  'one two three once about above after before below between down during further under until while because against through';

/** Of names; by themselves nothing, and words or syllables of units in clinical text. */
const particles =
  'van von der den des ter ten de del della di da dal dos das du la le les lo los las el al ibn bin bint abu ben bat mac mc san ' +
  'st y e und et zu zur zum af av och';

const commonWords =
  // people and places of care
  'patient patients person people man men woman women male female adult child children baby boy girl infant newborn mother father ' +
  'parent parents brother sister son daughter wife husband spouse family friend doctor physician nurse surgeon provider ' +
  'practitioner hospital clinic center centre medical health care emergency ward room office department unit home school ' +
  'pharmacy laboratory service services insurance university college company church park station hall main high upper lower ' +
  // what is found and done
  'history examination exam physical test tests testing result results report note notes visit encounter admission discharge ' +
  'diagnosis diagnoses disease disorder syndrome condition problem complaint symptom symptoms finding findings sign signs pain ' +
  'ache fever cough cold cancer tumor tumour mass lesion infection injury fracture wound bleeding swelling allergy allergies ' +
  'reaction treatment therapy procedure procedures surgery operation medication medications medicine drug dose dosage tablet ' +
  'tablets capsule injection oral vaccine vaccination immunization blood urine serum plasma glucose pressure heart lung liver ' +
  'kidney brain bone skin eye eyes ear ears nose mouth throat neck chest back abdomen arm arms leg legs hand hands foot feet head ' +
  'body weight height rate count level levels index score ratio value range average mean total number type status stage grade ' +
  'left right bilateral anterior posterior acute chronic severe moderate mild stable active inactive positive negative normal ' +
  'abnormal present absent current former previous prior past future new old first second third last next early late initial ' +
  'final primary secondary general specific local single double multiple complete partial open closed clear large small ' +
  // time and measure
  'day days week weeks month months year years hour hours minute minutes time times date daily weekly monthly yearly today ' +
  'tomorrow yesterday morning evening night january february march april june july august september october november december ' +
  'monday tuesday wednesday thursday friday saturday sunday ' +
  // verbs and the rest
  'come came comes get got give given go goes gone going good great help keep kept know known like live lives living look make ' +
  'made need needed read said say says see seen show shown shows start started stop stopped take taken takes took tell told use ' +
  'used using want went work working call called change changed changes check checked continue continued denies deny follow ' +
  'followed increase increased decrease decreased improve improved noted notes plan planned please received recommend ' +
  'recommended refer referred report reported return returned review reviewed since due well better best worse worst still ' +
  'never always often sometimes ever every least less much many other others another same different able about around away ' +
  'name names email phone address birth age sex gender race identifier code codes system display text note data ' +
  // abbreviations
  'dob mrn ssn npi bmi ecg ekg mri bpm prn bid tid qid dx hx rx sx tx jan feb mar apr jun jul aug sep sept oct nov dec tel fax ext mon ' +
  'tue wed thu fri sat';

/** Surnames, given names and towns that are everyday or clinical words; no others, since lower case hides these. */
const properWords =
  'white black brown gray grey green blue red gold silver young strong stark short long little small love joy hope ' +
  'faith grace mercy patience charity dawn summer winter spring rose lily violet ivy iris olive sage hazel ash ' +
  'rice bean pepper king queen prince bell buck case cash chance church close cross dean fair field finger fish ' +
  'flood flower forest frank fox frost gates glass grant graves heel hill hook hunt hurt land lane lake law leaf ' +
  'light line lung major mark marks means mole moon north south east west pack pain peak pearl pill pool power ' +
  'price pride quick rain ray rich ring rock root rusty sand sandy savage sharp snow speed star steel stone storm ' +
  'story street strange sun sweet tell treat trip vein waters wise wolf wood woods worth bacon bay beard best ' +
  'block bloom bolt booth bowl box branch brand bright broad burns camp cane carry clay coil cool corn cotton ' +
  'counts crow curl driver fast free gamble guy hard hardy harm hay holder holiday hollow horn ill job key keys ' +
  'kind lead low lump mix moment nerve noon pace page park patch pike pine plant plum pound press pulse pure rash ' +
  'raw reader real rider rod rough rush salt sample seed self sick song spear spell split spots stall stock stout ' +
  'strain strand suit sure swift table tall temple tongue town train true tube twin ulcer urban vial vine viral ' +
  'vital walker wall ways wild wing bill gene penny skip pat art max drew cook mobile reading bath orange union ' +
  'liberty independence enterprise surprise essen nice male cork deal hell battle china turkey';

const kinds = new Map<string, WordKind>();
// Later lists win: what is a title is nothing else.
for (const [kind, list] of [
  ['common', commonWords],
  ['proper', properWords],
  ['particle', particles],
  ['function', functionWords],
  ['title', titles],
] as const) {
  for (const word of list.split(' ')) kinds.set(word, kind);
}
// Months are names as well, and 'may' is a verb first.
for (const word of ['may', 'will', 'more', 'just']) kinds.set(word, 'function');

/** Two letters are too few to be told from units and abbreviations: 'ng', 'li' and 'wu' need a capital. */
export function wordKind(word: string): WordKind {
  return kinds.get(word) ?? (word.length === 2 ? 'proper' : undefined);
}

/** Markers that the guard writes: opaque to it ever after, so that masked text is not masked again. */
export const removedMarker = '[removed]';
export const patternMarkers = {
  email: '[email]',
  phone: '[phone]',
  date: '[date]',
  number: '[number]',
  url: '[url]',
  ip: '[ip]',
} as const;

const markers: readonly string[] = [removedMarker, ...Object.values(patternMarkers)];

/** Length of the marker that begins at `at`, 0 where there is none. */
export function markerLength(text: string, at: number): number {
  for (const marker of markers) if (text.startsWith(marker, at)) return marker.length;
  return 0;
}
