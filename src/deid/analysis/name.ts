/** Names for the paths of a report: of R4's elements, and of what the data calls its own, if that looks like a name. */

const nameForm = /^_?[A-Za-z][A-Za-z0-9-]{0,63}$/;
const urlForm = /^(?:https?:\/\/|urn:)[\w.~:/?#@!$&*+,;=%-]{1,300}$/;

/** A JSON key. What looks like no name may be data. */
export const keyName = (key: string): string => (nameForm.test(key) ? key : '(a name)');

/**
 * An extension's url. What looks like no address may be data; only within another extension is a word a name, as
 * `ombCategory` is. `path` is where the extension stands.
 */
export function urlName(url: unknown, path: string): string {
  if (typeof url !== 'string') return '(no address)';
  return urlForm.test(url) || (path.includes("xtension('") && nameForm.test(url)) ? url : '(no address)';
}
