import type { SourceSpan } from '../../common/diagnostic.ts';
import type { ImageRunConfig } from '../../image/types.ts';
import type { Heredoc } from './heredoc.ts';

/** A command line: `json` is the exec form, otherwise `args` is one string for the shell. */
export interface CommandLine {
  readonly args: readonly string[];
  readonly json: boolean;
  readonly heredocs: readonly Heredoc[];
}

export interface KeyValue {
  readonly key: string;
  readonly value: string;
  /** Written as `ENV key value`. */
  readonly legacy: boolean;
}

export interface CopySpec {
  readonly sources: readonly string[];
  /** Heredocs among the sources. */
  readonly inline: readonly Heredoc[];
  readonly destination: string;
  readonly chown?: string;
  readonly chmod?: string;
  readonly link: boolean;
  readonly exclude: readonly string[];
}

/** What each instruction holds after parsing, before variables are expanded. */
export interface InstructionKinds {
  FROM: { readonly base: string; readonly as?: string; readonly platform?: string };
  ARG: { readonly args: readonly { readonly key: string; readonly value?: string }[] };
  RUN: {
    readonly command: CommandLine;
    readonly mounts: readonly string[];
    readonly network?: string;
    readonly security?: string;
    readonly devices: readonly string[];
  };
  COPY: CopySpec & { readonly from?: string; readonly parents: boolean };
  ADD: CopySpec & { readonly checksum?: string; readonly keepGitDir?: boolean; readonly unpack?: boolean };
  ENV: { readonly pairs: readonly KeyValue[] };
  LABEL: { readonly pairs: readonly KeyValue[] };
  EXPOSE: { readonly ports: readonly string[] };
  VOLUME: { readonly paths: readonly string[] };
  USER: { readonly user: string };
  WORKDIR: { readonly path: string };
  CMD: { readonly command: CommandLine };
  ENTRYPOINT: { readonly command: CommandLine };
  SHELL: { readonly shell: readonly string[] };
  STOPSIGNAL: { readonly signal: string };
  HEALTHCHECK: { readonly health: NonNullable<ImageRunConfig['Healthcheck']> };
  ONBUILD: { readonly trigger: string };
  MAINTAINER: { readonly maintainer: string };
}
export type InstructionName = keyof InstructionKinds;

export type InstructionOf<N extends InstructionName> = {
  readonly name: N;
  readonly at: SourceSpan;
  /** The text as written, continuation lines joined. */
  readonly source: string;
  /** Lines of the file it stands in, for excerpts in errors. */
  readonly lines: readonly string[];
  /** Comment lines directly above, without their marks. */
  readonly comments: readonly string[];
  /** The line that an empty one was continued to, which is a mistake. */
  readonly emptyContinuation?: number;
} & InstructionKinds[N];
export type Instruction = { [N in InstructionName]: InstructionOf<N> }[InstructionName];

export interface Stage {
  readonly index: number;
  readonly name?: string;
  readonly from: InstructionOf<'FROM'>;
  readonly instructions: readonly Exclude<Instruction, InstructionOf<'FROM'>>[];
}
export type StageInstruction = Stage['instructions'][number];

export interface BuildFile {
  readonly file: string;
  /** As it was read. */
  readonly text: string;
  readonly lines: readonly string[];
  readonly escapeChar: string;
  readonly directives: ReadonlyMap<string, string>;
  /** ARG before the first FROM. */
  readonly globalArgs: readonly InstructionOf<'ARG'>[];
  readonly stages: readonly Stage[];
}
