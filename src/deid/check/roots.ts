/** Where resources begin: one place for each type and the rules that came to it as a whole from what holds it. */
import type { Taker } from './json.ts';
import { Place } from './place.ts';
import type { PolicyReading } from './reading.ts';

/** Places are made of the data's keys and nesting, so there is a bound on them. */
const placesMax = 20_000;

export class Roots {
  readonly #reading: PolicyReading;
  readonly #known = new Map<string, Place>();

  constructor(reading: PolicyReading) {
    this.#reading = reading;
  }

  /** The place of resources of a type; all places are made anew once they have become too many. */
  of(type: string, outer: readonly Taker[]): Place {
    if (this.#reading.places > placesMax) {
      this.#reading.places = 0;
      this.#known.clear();
    }
    const name = outer.length === 0 ? type : JSON.stringify([type, ...outer]);
    let place = this.#known.get(name);
    if (place === undefined) {
      place = Place.ofResource(this.#reading, this.#reading.pathsOf(type), type, outer);
      this.#known.set(name, place);
    }
    return place;
  }
}
