/** Thrown for text that cannot be expanded; the caller adds the place. */
export class ExpansionError extends Error {}
