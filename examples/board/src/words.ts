// How values are written for people.

/** `ROLLED_BACK` as "Rolled back". */
export function nameOf(value: string): string {
  const words = value.replaceAll('_', ' ').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const DAY = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeZone: 'UTC' });
const MOMENT = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium' });

export const writeDay = (at: string) => DAY.format(new Date(at));
export const writeMoment = (at: string) => MOMENT.format(new Date(at));

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}

/** A value of a field of an event: enum values as words, nothing as a dash, long texts shortened. */
export function writeValue(value: unknown): string {
  if (value === null || value === undefined || value === '') return '—';
  if (typeof value !== 'string') return JSON.stringify(value);
  if (/^[A-Z]+(_[A-Z]+)*$/.test(value)) return nameOf(value);
  return value.length > 120 ? `${value.slice(0, 119)}…` : value;
}

/** `rowVersion` as "row version". */
export function nameOfField(field: string): string {
  return field.replaceAll(/([A-Z])/g, ' $1').toLowerCase();
}
