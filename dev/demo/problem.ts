/** Something that a person can read and mend: told without a stack. */
export class DemoProblem extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DemoProblem';
  }
}
