import { type ContainerRecord, wireStatus } from './container-record.ts';

/** A duration as people say it: `3 minutes`, `About an hour`. Docker's steps. Pure. */
export function humanDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(seconds / 3600 + 0.5);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(seconds / 3600 / 24 / 365)} years`;
}

/** What `ps` shows: `Up 3 minutes (healthy)`, `Exited (0) 2 seconds ago`. Pure. */
export function statusText(record: ContainerRecord, now: number): string {
  const since = (time: string) => humanDuration(Math.max(0, now - Date.parse(time)));
  switch (wireStatus(record)) {
    case 'running':
      return `Up ${since(record.startedAt)}${healthText(record)}`;
    case 'paused':
      return `Up ${since(record.startedAt)} (Paused)`;
    case 'restarting':
      return `Restarting (${record.exitCode}) ${since(record.finishedAt)} ago`;
    case 'removing':
      return 'Removal In Progress';
    case 'dead':
      return 'Dead';
    case 'exited':
      return `Exited (${record.exitCode}) ${since(record.finishedAt || record.createdAt)} ago`;
    case 'created':
      return 'Created';
  }
}

function healthText(record: ContainerRecord): string {
  if (!record.health) return '';
  return record.health.status === 'starting' ? ' (health: starting)' : ` (${record.health.status})`;
}
