import type { StepCommon, StepKind } from './plan.ts';

/** What the terminal says while a step of each kind runs and when it is done. */
const words: Readonly<Record<StepKind, { readonly doing: string; readonly done: string }>> = {
  pullImage: { doing: 'Pulling', done: 'Pulled' },
  pushImage: { doing: 'Pushing', done: 'Pushed' },
  buildImage: { doing: 'Building', done: 'Built' },
  removeImage: { doing: 'Removing', done: 'Removed' },
  createNetwork: { doing: 'Creating', done: 'Created' },
  removeNetwork: { doing: 'Removing', done: 'Removed' },
  createVolume: { doing: 'Creating', done: 'Created' },
  removeVolume: { doing: 'Removing', done: 'Removed' },
  createContainer: { doing: 'Creating', done: 'Created' },
  startContainer: { doing: 'Starting', done: 'Started' },
  stopContainer: { doing: 'Stopping', done: 'Stopped' },
  drainContainer: { doing: 'Draining', done: 'Drained' },
  checkpoint: { doing: 'Checking', done: 'Checked' },
  restartContainer: { doing: 'Restarting', done: 'Started' },
  killContainer: { doing: 'Killing', done: 'Killed' },
  pauseContainer: { doing: 'Pausing', done: 'Paused' },
  unpauseContainer: { doing: 'Unpausing', done: 'Unpaused' },
  removeContainer: { doing: 'Removing', done: 'Removed' },
  renameContainer: { doing: 'Recreate', done: 'Recreated' },
  disconnectContainer: { doing: 'Disconnecting', done: 'Disconnected' },
  connectContainer: { doing: 'Connecting', done: 'Connected' },
  await: { doing: 'Waiting', done: 'Ready' },
};

/** Words of a step, for renderers, which know steps only by their common part. */
export function stepWords(step: Pick<StepCommon, 'kind'>): { readonly doing: string; readonly done: string } {
  return words[step.kind as StepKind];
}
