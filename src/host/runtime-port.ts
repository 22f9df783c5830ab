import type { OciProcess, OciResources } from './oci-types.ts';

/** An OCI runtime (crun or runc) with its own state directory, `<exec-root>/runtime`. */
export interface OciRuntime {
  readonly name: 'crun' | 'runc';
  /** Absolute path of the program. */
  readonly path: string;
  readonly version: string;
  readonly root: string;
  /** What the program, and a monitor that runs it, gets as its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** True where the annotation `run.oci.seccomp_bpf_data` replaces libseccomp's compilation. */
  readonly takesSeccompBpf: boolean;
  /** Lets a created container run. Throws COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE or CONTAINER_START_FAILED. */
  start(id: string, options?: { readonly hasHooks?: boolean }): Promise<void>;
  pause(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  update(id: string, resources: OciResources): Promise<void>;
  /** Kills what is left and removes the runtime's state and cgroup. Idempotent. */
  delete(id: string): Promise<void>;
}

/** What a monitor is told. All paths are absolute; the bundle holds config.json. */
export interface MonitorRequest {
  readonly id: string;
  readonly bundle: string;
  /** Empty: nothing is kept. */
  readonly logPath: string;
  readonly tty: boolean;
  readonly openStdin: boolean;
  /** Close the process's stdin when the first attached client half-closes (Docker's StdinOnce). */
  readonly stdinOnce: boolean;
  /** Bytes; the monitor's own hard bound on the live log file. */
  readonly logSizeMax?: number;
}

export interface MonitorStarted {
  readonly pid: number;
  readonly monitorPid: number;
}
export interface ExitStatus {
  readonly exitCode: number;
  readonly finishedAt: Date;
  readonly oomKilled: boolean;
}

/**
 * One monitor process per container (conmon): holds its streams, writes its log and its exit file, outlives the
 * daemon. Everything here is found again from the id alone, so a new daemon adopts what an old one started.
 */
export interface Monitor {
  /** Creates the container through the runtime, held before its first instruction. Throws as OciRuntime.start does. */
  create(request: MonitorRequest): Promise<MonitorStarted>;
  /**
   * Resolves when the process has ended, also when it ended before the call; rejects with INTERRUPTED on abort. A
   * process whose monitor was killed is waited for all the same. Exit code 137 where nothing is known of its end.
   */
  awaitExit(id: string, signal?: AbortSignal): Promise<ExitStatus>;
  /** Calls back once when memory has run out, for a process that the kernel is told not to kill then; until the signal. */
  onMemoryOut(id: string, listener: () => void, signal: AbortSignal): void;
  /** The exit already on record, or undefined. */
  exitOf(id: string): ExitStatus | undefined;
  /** Running monitor and process of that id, verified against pid reuse; undefined when either is gone. */
  adopt(id: string): MonitorStarted | undefined;
  /**
   * Connection to the streams from now on; between create and start nothing is lost. With `stdin: false` it only
   * listens, and its end leaves the container's stdin alone. Throws WRONG_STATE when the container does not run.
   */
  attach(id: string, options?: { readonly stdin: boolean }): Promise<MonitorConnection>;
  resize(id: string, rows: number, columns: number): Promise<void>;
  /** Makes the monitor reopen its log path, after the file was renamed away. Resolves when the new file is there. */
  reopenLog(id: string): Promise<void>;
  /** Kills the monitor of a container whose process has ended, where it does not say so; false where there is none. */
  release(id: string): boolean;
  /** Removes exit file, sockets and pid files. Idempotent. */
  forget(id: string): void;
}

/** Raw connection to a container's streams. */
export interface MonitorConnection {
  readonly output: AsyncIterable<{ readonly stream: 'stdout' | 'stderr' | 'console'; readonly data: Uint8Array }>;
  /** Resolves when the next data may come. Data for a process that has ended or closed its input is dropped. */
  write(data: Uint8Array): Promise<void>;
  /** End of input, after what was written. Idempotent. */
  endInput(): void;
  /** Ends the connection, not the process. Idempotent. */
  close(): void;
}

/** A further process in a running container. */
export interface ExecRequest {
  readonly id: string;
  readonly process: OciProcess;
  /** Initial terminal size, where the process has a terminal. */
  readonly rows?: number;
  readonly columns?: number;
  readonly stdin: boolean;
}
export interface ExecHandle extends MonitorConnection {
  /** Pid in the host's pid namespace, 0 until known. */
  readonly pid: number;
  /** Fulfilled when the pid is known, or the process has ended. The runtime tells it some time after its own start. */
  known(): Promise<void>;
  /** Exit code (126, 127 where the program could not be run; 128+n for a signal). */
  readonly exit: Promise<number>;
  resize(rows: number, columns: number): Promise<void>;
  kill(signal: number): void;
}
export type Exec = (request: ExecRequest) => Promise<ExecHandle>;
