/** Annotations of containers (HostConfig.Annotations) that our engine understands; for others they are just text. */
export const annotations = {
  /**
   * Containers with the same value may publish the same fixed ports of the host: new connections are led to those that
   * serve, in turn.
   */
  balance: 'io.iechor.balance',
  /** `{"cron": "0 3 * * *", "overlap": "skip"}`: the engine starts the container at these times. */
  schedule: 'io.iechor.schedule',
  /** `true`: the container is restarted when its health check says unhealthy. */
  restartUnhealthy: 'io.iechor.restart-unhealthy',
} as const;
