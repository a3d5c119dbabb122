/**
 * The order of types in a first load. R4 lets almost every type refer to almost every other, so the graph of the
 * *allowed* references is one big cycle and orders nothing; this is the order of the references that data
 * really has. A wrong guess costs time (resources are parked and released), never correctness. Pure.
 */

const tiers: readonly (readonly string[])[] = [
  [
    'Organization',
    'Location',
    'Medication',
    'Substance',
    'Questionnaire',
    'ValueSet',
    'CodeSystem',
    'ActivityDefinition',
  ],
  ['Practitioner', 'Endpoint', 'PlanDefinition', 'ResearchStudy', 'MedicationKnowledge', 'OrganizationAffiliation'],
  ['PractitionerRole', 'HealthcareService', 'Patient', 'Person', 'InsurancePlan'],
  ['RelatedPerson', 'Device', 'Coverage', 'Account', 'Group', 'Schedule', 'ResearchSubject', 'BodyStructure'],
  ['EpisodeOfCare', 'CareTeam', 'Slot', 'Specimen', 'Consent', 'DeviceMetric', 'Contract'],
  ['Encounter', 'Condition', 'Appointment', 'AllergyIntolerance', 'FamilyMemberHistory'],
  [
    'ServiceRequest',
    'MedicationRequest',
    'DeviceRequest',
    'NutritionOrder',
    'Goal',
    'AppointmentResponse',
    'ImmunizationRecommendation',
  ],
  [
    'Procedure',
    'Observation',
    'Immunization',
    'ImagingStudy',
    'MedicationDispense',
    'MedicationStatement',
    'Media',
    'QuestionnaireResponse',
  ],
  [
    'DiagnosticReport',
    'DocumentReference',
    'MedicationAdministration',
    'CarePlan',
    'ClinicalImpression',
    'RiskAssessment',
    'AdverseEvent',
    'Flag',
  ],
  [
    'Communication',
    'CommunicationRequest',
    'Task',
    'Composition',
    'DocumentManifest',
    'SupplyRequest',
    'SupplyDelivery',
    'ChargeItem',
  ],
  ['Claim', 'Invoice', 'CoverageEligibilityRequest', 'GuidanceResponse', 'DetectedIssue'],
  ['ClaimResponse', 'ExplanationOfBenefit', 'CoverageEligibilityResponse', 'PaymentNotice', 'PaymentReconciliation'],
  ['List', 'Bundle', 'Provenance', 'AuditEvent', 'Basic'],
];

const tierByType = new Map(tiers.flatMap((types, tier) => types.map((type) => [type, tier] as const)));

/** The tier of a type, from 0. Types that the table does not know, custom ones among them, come last. */
export const tierOf = (type: string): number => tierByType.get(type) ?? tiers.length;
