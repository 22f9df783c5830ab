import type { WithSignal } from './requests.ts';

export interface DaemonStatus {
  pid: number;
  version: string;
  dataRoot: string;
  execRoot: string;
  /** Addresses it listens on, `unix:///run/iechor/iechor.sock`. */
  hosts: string[];
  /** File its log goes to; empty where that is its own standard error. */
  logPath: string;
  startedAt: string;
  uptimeSeconds: number;
  /** Milliseconds from the start of the process to its first answer. */
  readyMilliseconds: number;
  containersRunning: number;
}

/** Our daemon's own operations, under /iechor/daemon. */
export interface DaemonApi {
  daemonStatus(request: WithSignal): Promise<DaemonStatus>;
  /**
   * The daemon ends after it has answered. Running containers go on running; without any, everything it made in the
   * kernel is removed. `force` also ends it while requests are under way.
   */
  daemonStop(request: { force?: boolean | undefined } & WithSignal): Promise<{ containersRunning: number }>;
}
