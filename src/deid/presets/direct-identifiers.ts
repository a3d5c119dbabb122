/**
 * What says at once who somebody is: names, ways to reach them, their numbers, devices, addresses of the net, pictures.
 * Rows A and D to Q of 164.514(b)(2)(i), which a limited data set under 164.514(e)(2) has to be without as well, so every
 * HIPAA preset begins with these. They name types where R4 has a type, since a type is found wherever it stands.
 */
import type { PolicyRule } from '../policy/document.ts';
import { dropResource, keep, redact } from './rule.ts';

const hl7 = 'http://hl7.org/fhir/StructureDefinition/';

/** A: of the patient, of relatives, employers and household members; of providers too, since R4 does not tell them apart. */
const names: readonly PolicyRule[] = [
  redact("nodesByType('HumanName')", 'A', 'names of anybody'),
  redact("nodesByType('Reference').display", 'A', 'says whom the reference points at'),
  redact("nodesByType('ContactDetail').name", 'A', 'who answers for a publication', 'name'),
  redact("nodesByType('Contributor').name", 'A', 'who wrote a publication', 'name'),
  redact("nodesByType('Annotation').authorString", 'A', 'who wrote a note', 'name'),
  redact(`Patient.extension('${hl7}patient-mothersMaidenName')`, 'A', "a relative's name", 'name'),
  redact('FamilyMemberHistory.name', 'A', "a relative's name", 'name'),
  redact('AuditEvent.agent.name', 'A', 'who looked at the record', 'name'),
  redact('AuditEvent.entity.name', 'A', 'whose record was looked at'),
  redact(
    'OperationOutcome.issue.details',
    'A',
    "a server's words about a request; it says of no patient whose they are",
  ),
  redact('NamingSystem.responsible', 'A', 'may be a person'),
  redact('TestReport.tester', 'A', 'may be a person'),
  redact('Account.name', 'A', "an account often bears its holder's name"),
  redact('CareTeam.name', 'A', 'often made of a name or a visit number'),
  redact('Group.name', 'A', 'such as a family'),
  redact('List.title', 'A', 'such as whose list it is'),
  redact('Organization.name', 'A', 'employers are organizations, and a clinic names its town'),
  redact('Organization.alias', 'A', 'as the name'),
];

/** D to F and N by what the contact is; what says nothing or another thing goes all the same. */
const contacts: readonly PolicyRule[] = [
  redact("nodesByType('ContactPoint').where(system = 'phone')", 'D', 'telephone numbers'),
  redact("nodesByType('ContactPoint').where(system = 'fax')", 'E', 'fax numbers'),
  redact("nodesByType('ContactPoint').where(system = 'email')", 'F', 'e-mail addresses'),
  redact("nodesByType('ContactPoint').where(system = 'url')", 'N', 'home pages'),
  redact("nodesByType('ContactPoint')", 'D', 'pagers, text messages, and contacts that do not say what they are'),
];

/** G to L: the whole Identifier, since its system and assigner tell which office or ward numbers this person. */
const numbers: readonly PolicyRule[] = [
  redact("nodesByType('Identifier').where(system = 'http://hl7.org/fhir/sid/us-ssn')", 'G', 'social security numbers'),
  redact('Patient.identifier', 'H', 'medical record numbers'),
  redact('Coverage.identifier', 'I', 'health plan beneficiary numbers'),
  redact('Coverage.subscriberId', 'I', 'health plan beneficiary numbers', 'identifier'),
  redact('Coverage.dependent', 'I', 'which dependant of the subscriber', 'identifier'),
  redact('Coverage.class.value', 'I', "numbers of a group or of the employer's plan", 'identifier'),
  redact('Coverage.class.name', 'I', 'names the group, often an employer'),
  redact('Account.identifier', 'J', 'account numbers'),
  redact('PaymentReconciliation.paymentIdentifier', 'J', 'cheque and transfer numbers'),
  redact('ClaimResponse.payment.identifier', 'J', 'cheque and transfer numbers'),
  redact('ExplanationOfBenefit.payment.identifier', 'J', 'cheque and transfer numbers'),
  redact('Practitioner.identifier', 'K', 'licence and registration numbers'),
  redact('Practitioner.qualification.identifier', 'K', 'certificate and licence numbers'),
  redact('Location.identifier', 'L', 'a vehicle is a Location (physicalType ve): plates and call signs'),
];

const devices: readonly PolicyRule[] = [
  redact('Device.udiCarrier', 'M', 'unique device identification'),
  redact('Device.identifier', 'M', 'device numbers'),
  redact('Device.distinctIdentifier', 'M', 'of a device of human tissue', 'identifier'),
  redact('Device.serialNumber', 'M', 'serial numbers', 'identifier'),
  redact('Device.lotNumber', 'M', 'narrows down the device'),
  redact('Device.modelNumber', 'M', 'narrows down the device'),
  redact('Device.partNumber', 'M', 'narrows down the device'),
  redact('DeviceDefinition.udiDeviceIdentifier', 'M', 'unique device identification'),
  redact('ImagingStudy.series.uid', 'M', "made from the scanner's number and the time", 'identifier'),
  redact('ImagingStudy.series.instance.uid', 'M', "made from the scanner's number and the time", 'identifier'),
];

const net: readonly PolicyRule[] = [
  redact("nodesByType('url')", 'N', 'addresses of files and servers; tel: and mailto: among them'),
  redact('AuditEvent.agent.network', 'O', 'IP addresses and host names'),
];

/** P and Q. What an attachment is stays; its bytes, its address and its title go. */
const likeness: readonly PolicyRule[] = [
  redact("nodesByType('SampledData')", 'P', 'a waveform such as an ECG can tell people apart'),
  dropResource('MolecularSequence', 'P', 'a genome is one person'),
  redact("nodesByName('photo')", 'Q', 'photographs of a face'),
  redact('Media.content', 'Q', 'photographs, sound and film'),
  redact('BodyStructure.image', 'Q', 'photographs of a body'),
  keep("nodesByType('Attachment').contentType", 'what kind of file there was'),
  keep("nodesByType('Attachment').language", 'in which language it was'),
  redact("nodesByType('Attachment')", 'Q', 'scans, letters, pictures, and titles that repeat names'),
  dropResource('Binary', 'Q', 'bytes without a structure'),
  redact("nodesByType('Signature')", 'Q', 'may be the picture of a signature; says who signed'),
];

export const directIdentifiers: readonly PolicyRule[] = [
  ...names,
  ...contacts,
  ...numbers,
  ...devices,
  ...net,
  ...likeness,
];

/** What no rule above has named by its place. */
export const otherIdentifiers: readonly PolicyRule[] = [
  redact("nodesByType('Identifier')", 'H', 'record, visit, order and every other business number'),
];
