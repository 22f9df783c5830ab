import type { Heredoc } from './heredoc.ts';
import type { KeyValue } from './types.ts';

/** How the text after the flags is cut: see arguments.ts. */
export type ArgumentForm = 'words' | 'list' | 'command' | 'pairs' | 'names' | 'text' | 'typed-command' | 'instruction';
export type FlagKind = 'bool' | 'string' | 'strings';

export interface Arguments {
  readonly args: readonly string[];
  /** The arguments were a JSON array. */
  readonly json: boolean;
  readonly pairs: readonly KeyValue[];
  readonly heredocs: readonly Heredoc[];
  /** The text after the instruction's name. */
  readonly text: string;
  readonly flags: ReadonlyMap<string, readonly string[]>;
}

/** A mistake in an instruction; the parser adds the place. `token` is the part to point at. */
export class InstructionError extends Error {
  readonly token: string | undefined;
  readonly hint: string | undefined;
  constructor(message: string, details: { token?: string; hint?: string | undefined } = {}) {
    super(message);
    this.token = details.token;
    this.hint = details.hint;
  }
}
