import { formatSpan } from '../../common/diagnostic.ts';
import { codeOf, IechorError } from '../../common/error.ts';
import type { PathRules } from '../../context/patterns.ts';
import { givenArgs } from '../args.ts';
import type { BuildRequest } from '../build-context.ts';
import type { Graph } from '../graph.ts';
import { formatPlatform } from '../platform.ts';
import type { BaseImages } from '../ports.ts';
import { type Platform, splitEnv } from '../stage-state.ts';
import { lint } from './lint.ts';
import type { BaseFacts } from './stage-rules.ts';
import type { LintWarning } from './warning.ts';

export interface LintBuild {
  readonly request: BuildRequest;
  readonly graph: Graph;
  readonly globals: ReadonlyMap<string, string>;
  readonly platform: Platform;
  readonly rules: PathRules;
  readonly bases: BaseImages;
  readonly signal: AbortSignal;
}

/** Checks the build file of a request, knowing its base images and its context. */
export async function lintBuild(build: LintBuild): Promise<{ warnings: LintWarning[]; error: boolean }> {
  const { request, graph, globals, platform, rules } = build;
  const isIgnored = (path: string): boolean => rules.matches(path);
  const { file, nodes } = graph;
  // A check is of the whole file, a build's warnings are of what it builds.
  const needed = request.call === 'check' ? new Set(nodes.keys()) : graph.needed;
  const bases = await factsOf(build);
  const given = givenArgs(request.buildArgs);
  const checks = { file, nodes, needed, globals, given, platform, bases, isIgnored };
  return lint(checks, given.get('BUILDKIT_DOCKERFILE_CHECK'));
}

/** Throws what `check=error=true` makes of warnings. */
export function failOnWarnings({ warnings, error }: { warnings: readonly LintWarning[]; error: boolean }): void {
  if (!error || warnings.length === 0) return;
  const rules = [...new Set(warnings.map(({ rule }) => rule))].sort();
  throw new IechorError('BUILD_FAILED', `lint violation found for rules: ${rules.join(', ')}`, {
    at: warnings.map(({ at }) => at),
    hint: 'Mend them, or leave them out with "# check=skip=NAME" at the top of the file.',
  });
}

export const warningLine = ({ rule, message, at }: LintWarning): string =>
  `${formatSpan(at)} warning: ${rule}: ${message}\n`;

async function factsOf({ graph, bases, request, signal }: LintBuild): Promise<Map<number, BaseFacts>> {
  const isWanted = (index: number) => request.call === 'check' || graph.needed.has(index);
  const wanted = graph.nodes.filter(({ base, stage }) => 'image' in base && isWanted(stage.index));
  const facts = await Promise.all(
    wanted.map(async (node): Promise<[number, BaseFacts][]> => {
      const platform = node.platform ?? request.platform;
      const options = { pull: false, signal, ...(platform && { platform }), logins: request.logins };
      try {
        const { config } = await bases.resolve('image' in node.base ? node.base.image : '', options);
        const { Env, Shell, OnBuild } = config.config ?? {};
        const variables = new Map((Env ?? []).map(splitEnv));
        const more = { hasShell: (Shell ?? []).length > 0, triggers: OnBuild ?? [] };
        const { os, architecture, variant } = config;
        const shown = formatPlatform({ os, architecture, ...(variant && { variant }) });
        return [[node.stage.index, { variables, platform: shown, ...more }]];
      } catch (error) {
        if (codeOf(error) === 'INTERRUPTED') throw error;
        return []; // told by the stage that needs it
      }
    }),
  );
  return new Map(facts.flat());
}
