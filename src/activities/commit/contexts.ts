/** What sealed records are bound to: one cannot be put in another's place. */
import type { Direction } from '../../state/tables.ts';

export const parkedContext = (direction: Direction, key: string): string => `parked/${direction}/${key}`;
export const wantedContext = (direction: Direction, key: string): string => `wanted/${direction}/${key}`;
export const quarantineContext = (direction: Direction, key: string): string => `quarantine/${direction}/${key}`;
