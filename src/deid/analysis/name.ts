/** Names for the paths of a report: of R4's elements, and of what the data calls its own, if that looks like a name. */

const nameForm = /^_?[A-Za-z][A-Za-z0-9-]{0,63}$/;
const urlForm = /^(?:https?:\/\/|urn:)[\w.~:/?#@!$&*+,;=%-]{1,300}$/;

/** So many digits may be somebody's number, or a day; years and versions have fewer. */
const digitsMax = 5;
const hasNumber = (text: string): boolean => text.replace(/\D/g, '').length > digitsMax;

/** A JSON key. What looks like no name may be data. */
export const keyName = (key: string): string => (nameForm.test(key) && !hasNumber(key) ? key : '(a name)');

/**
 * An extension's url, without query and fragment, and with `…` for parts that look like a value. What looks like no address
 * may be data; only within another extension is a word a name, as `ombCategory` is. `path` is where the extension stands.
 */
export function urlName(url: unknown, path: string): string {
  if (typeof url !== 'string') return '(no address)';
  if (urlForm.test(url)) return plainUrl(url);
  return path.includes("xtension('") && nameForm.test(url) && !hasNumber(url) ? url : '(no address)';
}

/** An `@` is an e-mail's or a user's, a `%` may hide one. */
const isValue = (part: string): boolean => /[@%]/.test(part) || hasNumber(part);

const plainUrl = (url: string): string =>
  url
    .replace(/[?#].*$/, '')
    .split(/([/:])/)
    .map((part) => (isValue(part) ? '…' : part))
    .join('');
