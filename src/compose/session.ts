import type { EngineApi } from '../api/engine-api.ts';
import type { Diagnostic } from '../common/diagnostic.ts';
import type { Provider } from './model/parts.ts';
import type { ApiSocket } from './plan/api-socket.ts';
import type { StepCommon } from './plan/plan.ts';
import type { Sink } from './run/progress.ts';

/** One run of the program that brings a provider service. */
export interface ProviderCall {
  readonly command: 'up' | 'down';
  readonly project: string;
  readonly service: string;
  readonly provider: Provider;
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly onInfo: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Resolves with the variables the program set. Throws PROVIDER_FAILED. */
export type RunProvider = (call: ProviderCall) => Promise<Readonly<Record<string, string>>>;

/** What every verb works with: the engine, where progress goes, and how it is interrupted. */
export interface Session {
  readonly engine: EngineApi;
  readonly sink: Sink;
  /** Told of each plan before its first step, so that renderers know what is to come. */
  readonly announce?: (plan: readonly StepCommon[]) => void;
  /** A sentence the user should read; not an error. */
  readonly notice: (text: string) => void;
  readonly diagnose: (diagnostic: Diagnostic) => void;
  /** Most steps at once; undefined: the limits of each kind. */
  readonly parallel?: number | undefined;
  /**
   * Under which name commands that change a project exclude each other, and how long they wait; undefined: they do not.
   */
  readonly lock?:
    | { readonly endpoint: string; readonly command: string; readonly waitSeconds?: number | undefined }
    | undefined;
  /** Runs the program of a provider service; undefined: there is no way to. */
  readonly runProvider?: RunProvider;
  /** For services that use the engine themselves. */
  readonly apiSocket?: () => Promise<ApiSocket>;
  /** Aborted by the first interrupt: finish what runs, begin nothing. */
  readonly signal: AbortSignal;
  /** Aborted by the second: give up. */
  readonly kill: AbortSignal;
}
