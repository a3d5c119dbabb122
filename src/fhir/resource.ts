/**
 * The little of FHIR R4's types that every room of this program shares.
 * Source: https://hl7.org/fhir/R4/resource.html
 */

/** A JSON value as `JSON.parse` yields it. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A JSON object as `JSON.parse` yields it. */
export type JsonObject = { [key: string]: Json };

/** A FHIR R4 resource: its type, mostly an id, and whatever else its definition allows. */
export type Resource = JsonObject & { resourceType: string; id?: string };

/** FHIR's `id` datatype. Source: https://hl7.org/fhir/R4/datatypes.html#id */
export const idForm = /^[A-Za-z0-9\-.]{1,64}$/;

/** The form of a resource type's name, FHIR's own or custom. */
export const typeForm = /^[A-Z][A-Za-z0-9]{0,63}$/;

/** A resource's address within one server. */
export interface ResourceKey {
  readonly type: string;
  readonly id: string;
}

/** `Type/id`, the form in which references and ledgers name a resource. */
export const keyText = (key: ResourceKey): string => `${key.type}/${key.id}`;
