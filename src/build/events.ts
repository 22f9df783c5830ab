import type { SourceSpan } from '../common/diagnostic.ts';
import { type IechorError, isIechorError, messageOf } from '../common/error.ts';
import { errorCatalogue } from '../common/error-catalogue.ts';
import type { CheckResult, OutlineResult, TargetsResult } from './lint/describe.ts';

/** Structured progress, beside the lines that Docker's clients print. */
export interface BuildStep {
  /** Counts from 1 in the order of starting. */
  readonly step: number;
  readonly total: number;
  /** Name of the stage, or `stage-N`. */
  readonly stage: string;
  readonly instruction: string;
  /** `begun` alone for an instruction that makes no layer; `failed` comes with the error. */
  readonly status: 'begun' | 'running' | 'output' | 'cached' | 'done' | 'failed' | 'committed';
  /** Of classic builds, `committed`: the image after the instruction, and whether one without a layer was there. */
  readonly image?: string;
  readonly isCached?: boolean;
  /** Of classic builds: the container that the instruction runs in. */
  readonly container?: string;
  /** One that the base image asks for, from 1. */
  readonly trigger?: { readonly number: number; readonly total: number };
  /** Of `output`: written to standard error. */
  readonly stderr?: boolean;
  /** Why it had to be done: what differs from the last time. */
  readonly reason?: string;
  /** Of `cached`: the cache outside this engine that the step was found in. */
  readonly from?: string;
  readonly ms?: number;
  /** `file:line:column`. */
  readonly at?: string;
  /** Place among those of the stage that make layers, from 1, which is FROM unless that is a stage; without for others. */
  readonly inStage?: { readonly step: number; readonly total: number; readonly alone: boolean };
}

/** One message of a build, in the shape of the engine API's ProgressMessage. */
export interface BuildEvent {
  readonly stream?: string;
  /** The image; of several platforms that of this machine's, and each by its platform as it was asked for. */
  readonly aux?: { readonly ID: string; readonly Platforms?: Readonly<Record<string, string>> };
  readonly error?: string;
  readonly errorDetail?: {
    readonly message: string;
    readonly code?: number;
    readonly reason?: string;
    readonly hint?: string;
  };
  readonly iechor?: BuildStep;
  /** What a check of the build file found, beside its line. */
  readonly warning?: BuildWarning;
  /** What the build came to, before its end. */
  readonly summary?: BuildSummary;
  /** How the key of a step comes about, where that was asked for. */
  readonly derivation?: StepDerivation;
  /** Manifest of a cache that was given to the client, for its index. */
  readonly cacheManifest?: { readonly mediaType: string; readonly digest: string; readonly size: number };
  /** The answer to `call`. */
  readonly called?: CheckResult | OutlineResult | TargetsResult;
}

export interface BuildWarning {
  /** A name of docs/checks. */
  readonly rule: string;
  readonly message: string;
  readonly at: SourceSpan;
}

/** What a build that succeeded took. */
export interface BuildSummary {
  readonly ms: number;
  /** Steps that make layers: taken from the cache, and carried out. */
  readonly cached: number;
  readonly made: number;
  /** The steps that took longest, longest first. Waiting for other stages is no part of it. */
  readonly slowest: readonly {
    readonly stage: string;
    readonly instruction: string;
    readonly at: string;
    readonly ms: number;
  }[];
  readonly context?: ContextUse;
}

/** Files of the context: those that steps read, or all that were sent. Paths count from its root. */
export interface ContextUse {
  readonly sizeBytes: number;
  readonly files: number;
  readonly largest: readonly { readonly path: string; readonly sizeBytes: number }[];
  /** Directories of what programs generate that are a good part of it; they end in a slash. */
  readonly heavy: readonly { readonly path: string; readonly sizeBytes: number }[];
  /** Where they could be left out. */
  readonly ignoreFile: string;
}

/** How the key of a step comes about. */
export interface StepDerivation {
  readonly step: number;
  readonly stage: string;
  readonly instruction: string;
  readonly at: string;
  readonly key: string;
  /** Taken from this engine's cache, from another cache, or carried out. */
  readonly status: 'cached' | 'shared' | 'missed';
  /** Of `missed`: why. */
  readonly reason?: string;
  /** Version of the rules by which instructions become files. */
  readonly rules: number;
  /** What the key is made of, as hashes; without a value where `files` says more. */
  readonly parts: readonly { readonly name: string; readonly digest: string; readonly value?: string }[];
  /** What is taken or mounted, by name: type, mode, owner and hash of files. */
  readonly files: Readonly<Record<string, string>>;
  /** Of a step that is carried out: the earlier one that is most like it, and what differs. */
  readonly nearest?: {
    readonly key: string;
    readonly instruction: string;
    readonly createdAt: string;
    readonly parts: readonly { readonly name: string; readonly before?: string; readonly now?: string }[];
    readonly files: readonly string[];
  };
}

export function errorEvent(error: unknown, step?: BuildStep): BuildEvent {
  const message = messageOf(error);
  const detail = { message, ...(isIechorError(error) && ours(error)) };
  return { error: message, errorDetail: detail, ...(step && { iechor: step }) };
}

function ours(error: IechorError): Partial<NonNullable<BuildEvent['errorDetail']>> {
  const { code: reason, hint, exit } = error;
  return { reason, ...(exit !== errorCatalogue[reason].exit && { code: exit }), ...(hint && { hint }) };
}

/** Output of commands that waits for a slow reader; what comes on top of it is left out. */
const maxWaitingChars = 8 << 20;
/** Messages that may wait before steps do. */
const maxWaiting = 1000;

/** Messages from many steps to one reader. */
export interface EventQueue {
  push(event: BuildEvent): void;
  /** Where very many wait for the reader: settles when it has taken them, or has gone. */
  room(): Promise<void> | undefined;
  /** Ends the sequence after what was pushed. */
  end(): void;
  readonly events: AsyncIterable<BuildEvent>;
}

export function createEventQueue(): EventQueue {
  let pending: BuildEvent[] = [];
  let waitingChars = 0;
  let clipped = false;
  let ended = false;
  let wake = (): void => {};
  let taken = Promise.withResolvers<void>();
  let isGone = false;
  async function* read(): AsyncGenerator<BuildEvent> {
    try {
      yield* readAll();
    } finally {
      isGone = true;
      taken.resolve();
    }
  }
  async function* readAll(): AsyncGenerator<BuildEvent> {
    for (;;) {
      const batch = pending;
      pending = [];
      waitingChars = 0;
      clipped = false;
      yield* batch;
      taken.resolve();
      taken = Promise.withResolvers();
      if (pending.length > 0) continue;
      if (ended) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  return {
    push(event) {
      const isOutput = event.iechor?.status === 'output';
      if (isOutput && waitingChars > maxWaitingChars) {
        if (!clipped) pending.push({ ...event, stream: '[output clipped: the client does not keep up]\n' });
        clipped = true;
        return;
      }
      if (isOutput) waitingChars += event.stream?.length ?? 0;
      pending.push(event);
      wake();
    },
    room: () => (pending.length > maxWaiting && !isGone ? taken.promise : undefined),
    end() {
      ended = true;
      wake();
    },
    events: read(),
  };
}
