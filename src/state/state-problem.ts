/** The one error of this folder. */

/** The site's state could not be written or read. The message is constant: the cause may quote values. */
export class StateProblem extends Error {
  /** The database's own code (PostgreSQL's SQLSTATE, or the system's, such as `ECONNREFUSED`); empty where there is none. */
  readonly code: string;

  constructor(code = '') {
    super('state-unavailable');
    this.name = 'StateProblem';
    this.code = code;
  }
}
