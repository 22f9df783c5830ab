import { withBases } from './build-bases.ts';
import { IechorError, isIechorError, messageOf } from '../common/error.ts';
import { explainPlan } from './explain-plan.ts';
import type { Project } from './model/project.ts';
import { deliveryEnvironment } from './plan/delivered-files.ts';
import { selectServices } from './plan/dependencies.ts';
import { type Desired, type DesiredOptions, desiredOf } from './plan/desired.ts';
import { refuseMissingDonors } from './plan/donors.ts';
import { checkExtensions, needsIechord } from './plan/extension.ts';
import { withHooks } from './plan/hooks.ts';
import { refuseImpossible } from './plan/impossible.ts';
import type { UpIntent } from './plan/intent.ts';
import { observe } from './plan/observe.ts';
import type { Plan } from './plan/plan.ts';
import { hasFixedPorts } from './plan/ports.ts';
import { withoutProviders } from './plan/providers.ts';
import { refreshSeconds } from './plan/pull-policy.ts';
import { reconcile, serviceOrder } from './plan/reconcile.ts';
import { planImages } from './plan/reconcile-images.ts';
import { refuseUnsupported } from './plan/unsupported.ts';
import { checkBefore } from './preflight.ts';
import { provide } from './providers.ts';
import type { Outcome } from './run/execute.ts';
import { type PerformOptions, performPlan, throwFailures } from './run/perform-plan.ts';
import { exclusively } from './run/project-lock.ts';
import { planRollBack } from './run/roll-back.ts';
import { planTakeBack } from './run/take-back.ts';
import type { Session } from './session.ts';

export interface UpOptions extends DesiredOptions {
  /** Compute the plans and change nothing. */
  readonly dryRun?: boolean;
}
export interface UpResult {
  /** First round: images. */
  readonly images: Plan;
  /** Second round: everything else. */
  readonly plan: Plan;
  /** Names of the containers of the selected services, and how many of them changed. */
  readonly containers: number;
  readonly changed: number;
  /** With `dryRun`: why the plan would be refused before its first step. */
  readonly refused?: unknown;
}

/** For those who have shown a plan: throws what keeps it from being carried out. */
export function throwRefused({ refused }: UpResult): void {
  if (refused !== undefined) throw refused;
}

/**
 * Brings the project to what the file says: images first, then networks, volumes and containers. Throws what failed,
 * after taking back what this run created. Nothing is changed where the input is refused.
 */
export function up(session: Session, project: Project, intent: UpIntent, options: UpOptions = {}): Promise<UpResult> {
  const act = () => upNow(session, project, intent, options);
  return options.dryRun ? act() : exclusively(session, project.name, act);
}

async function upNow(session: Session, given: Project, intent: UpIntent, options: UpOptions): Promise<UpResult> {
  const project = await provide(session, given, {
    ...intent,
    dryRun: options.dryRun ?? false,
    before: (services) => upNow(session, withoutProviders(given), { ...intent, services, wait: false }, options),
  });
  const desired = desiredOf(project, options);
  serviceOrder(desired);
  const services = selectServices(project, intent.services, intent.dependencies);
  checkExtensions(desired, services);
  for (const warning of refuseUnsupported(desired, services)) session.diagnose(warning);
  refuseImpossible(desired, services);
  const look = {
    images: imagesOf(desired, services),
    dated: datedImages(desired, services),
    balances: asksForIechord(desired, services),
    signal: session.signal,
  };
  let observed = await observe(session.engine, project.name, look);
  if (!observed.balances) refuseElsewhere(desired, services);
  if (intent.containers || !options.dryRun) refuseMissingDonors(desired, observed, services);
  const images = planImages(withBases(desired), observed, { ...intent, services });
  // What is wrong with the rest is said before anything is pulled or built.
  let reconciled = reconcile(desired, observed, intent);
  const checked = checkBefore(session, { desired, observed, plan: reconciled.plan });
  const refused: unknown = options.dryRun ? await checked.then(() => undefined, told) : await checked;
  if (images.length > 0 && !options.dryRun) {
    throwFailures(
      await performPlan(session, images, { project: project.name, environment: deliveryEnvironment(project) }),
    );
    observed = await observe(session.engine, project.name, look);
    reconciled = reconcile(desired, observed, intent);
  }
  const { plan: bare, notices } = reconciled;
  const plan = withHooks(bare, desired);
  for (const notice of notices) session.notice(notice);
  if (options.dryRun) {
    announceOpenImages(session, images);
    const explained = await explainPlan(session.engine, plan, { desired, signal: session.signal });
    return { images, plan: explained, ...counts(desired, services, plan), refused };
  }
  await performOrTakeBack(session, project, plan, intent.keepFailed ?? false);
  return { images, plan, ...counts(desired, services, plan) };
}

/** A refusal, which comes after the plan it is of. Throws what is none. */
function told(error: unknown): IechorError {
  if (isIechorError(error) && error.code !== 'INTERRUPTED') return error;
  throw error;
}

/** Images that are pulled again when they are old. */
function datedImages(desired: Desired, services: ReadonlySet<string>): string[] {
  return [...desired.services.values()]
    .filter(({ name, service }) => services.has(name) && refreshSeconds(service) !== undefined)
    .map(({ image }) => image);
}

/** Whether it matters that the engine is ours. */
function asksForIechord(desired: Desired, services: ReadonlySet<string>): boolean {
  return [...desired.services.values()].some(
    ({ name, service }) => services.has(name) && (hasFixedPorts(service) || needsIechord(service)),
  );
}

function refuseElsewhere(desired: Desired, services: ReadonlySet<string>): void {
  const found = [...desired.services.values()].find(({ name, service }) => services.has(name) && needsIechord(service));
  if (!found) return;
  throw new IechorError('NOT_SUPPORTED', `service ${found.name}: x-iechor asks for what this engine cannot do`, {
    at: desired.spanOf('services', found.name, 'x-iechor').slice(0, 1),
    exit: 1,
    hint: "leave -H, IECHOR_HOST and DOCKER_HOST away to use iEchor's own engine, or leave that part of x-iechor out",
  });
}

function imagesOf(desired: Desired, services: ReadonlySet<string>): string[] {
  return [...desired.services.values()].filter(({ name }) => services.has(name)).map(({ image }) => image);
}

function announceOpenImages(session: Session, images: Plan): void {
  const open = images
    .filter(({ kind }) => kind === 'pullImage' || kind === 'buildImage')
    .map(({ target }) => target.slice('image:'.length));
  if (open.length > 0)
    session.notice(`images of ${open.join(', ')} come first; their containers are made anew only if the image differs`);
}

async function performOrTakeBack(session: Session, project: Project, plan: Plan, keepFailed: boolean): Promise<void> {
  if (plan.length === 0) return;
  const perform = { project: project.name, environment: deliveryEnvironment(project) };
  const outcome = await performPlan(session, plan, perform);
  const failed = outcome.failures.length > 0 || outcome.interrupted;
  const taken = failed && !keepFailed ? await takeBack(session, { plan, outcome, perform }) : undefined;
  throwFailures(outcome, taken);
}

/** Resolves with what there is to say of it. */
async function takeBack(
  session: Session,
  { plan, outcome, perform }: { plan: Plan; outcome: Outcome; perform: PerformOptions },
): Promise<string | undefined> {
  const again = new Set<string>();
  let taken = 0;
  for (const undo of [planRollBack(plan, outcome), planTakeBack(plan, outcome)]) {
    if (undo.length === 0) continue;
    taken += undo.length;
    // Ctrl-C stops the way forward, not the way back.
    const back = await performPlan({ ...session, signal: session.kill }, undo, perform);
    for (const { kind, label } of back.done) if (kind === 'startContainer') again.add(label.split(' ').at(-1) ?? label);
    for (const { step, error } of back.failures) session.notice(`${step.label} is left as it is: ${messageOf(error)}`);
  }
  if (taken === 0) return undefined;
  const names = [...again].sort();
  const former = names.length === 0 ? '' : `; ${names.join(', ')} run${names.length === 1 ? 's' : ''} again as before`;
  return `what was created is taken back${former} (up --keep-failed leaves it to be looked at)`;
}

function counts(desired: Desired, services: ReadonlySet<string>, plan: Plan): { containers: number; changed: number } {
  const changing = new Set([
    'createContainer',
    'connectContainer',
    'startContainer',
    'unpauseContainer',
    'restartContainer',
    'removeContainer',
  ]);
  const changed = new Set(plan.filter(({ kind }) => changing.has(kind)).map(({ target }) => target)).size;
  const containers = [...desired.services.values()]
    .filter(({ name }) => services.has(name))
    .reduce((sum, { scale }) => sum + scale, 0);
  return { containers, changed };
}
