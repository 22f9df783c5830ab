import type { EngineApi } from '../api/engine-api.ts';
import type { Diagnostic } from '../common/diagnostic.ts';
import type { OpenContext } from '../context/open-context.ts';
import type { ModelSpec, Provider } from './model/parts.ts';
import type { ApiSocket } from './plan/api-socket.ts';
import type { StepCommon } from './plan/plan.ts';
import type { Sink } from './run/progress.ts';

/** One run of the program that brings a provider service. */
export interface ProviderCall {
  readonly command: 'up' | 'down' | 'stop';
  readonly project: string;
  readonly service: string;
  readonly provider: Provider;
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly onInfo: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Variables a provider set for the services that depend on it. */
export interface ProviderAnswer {
  /** They get the service's name in front. */
  readonly prefixed: Readonly<Record<string, string>>;
  /** As they are. */
  readonly raw: Readonly<Record<string, string>>;
}

/** Resolves with what the program set. Throws PROVIDER_FAILED. */
export type RunProvider = (call: ProviderCall) => Promise<ProviderAnswer>;

/** Opens what builds take from elsewhere than directories and images. Throws BUILD_CONTEXT, USAGE. */
export interface BuildContexts {
  /** A repository, or an archive on the web. */
  readonly open: (
    address: string,
    options: {
      readonly file: string | undefined;
      readonly text: string | undefined;
      readonly beside: Readonly<Record<string, string>>;
      readonly signal: AbortSignal;
    },
  ) => Promise<OpenContext>;
  /** Sockets of SSH agents by id, for paths of sockets or of key files. */
  readonly agents: (
    given: Readonly<Record<string, string>> | undefined,
  ) => Promise<Readonly<Record<string, string>> | undefined>;
  /** Further contexts: a directory that travels under the name `path`, an image, or what the engine fetches. */
  readonly named: (
    name: string,
    source: string,
    engine: EngineApi,
  ) => Promise<{ readonly directory: string } | { readonly image: string } | { readonly remote: string }>;
}

/** What serves models to containers: Docker's model runner by its CLI plugin. */
export interface ModelRunner {
  /** Brings a model and configures it. Throws PROVIDER_FAILED. */
  ensure(model: ModelSpec & { readonly label: string }): Promise<void>;
  /** The URL at which containers reach it. Throws PROVIDER_FAILED. */
  endpoint(): Promise<string>;
}

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
  /** For builds from elsewhere; undefined: there are none. */
  readonly buildContexts?: BuildContexts;
  /** What serves models, by the project's environment; undefined: nothing does. */
  readonly modelRunner?: (
    environment: Readonly<Record<string, string | undefined>>,
  ) => Promise<ModelRunner | undefined>;
  /** For services that use the engine themselves. */
  readonly apiSocket?: () => Promise<ApiSocket>;
  /** Aborted by the first interrupt: finish what runs, begin nothing. */
  readonly signal: AbortSignal;
  /** Aborted by the second: give up. */
  readonly kill: AbortSignal;
}
