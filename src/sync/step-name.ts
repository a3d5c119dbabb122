/** The activity type of a configured extra step: each is an activity of its own, by its own name. */
export const stepActivityName = (step: string): `step-${string}` => `step-${step}`;
