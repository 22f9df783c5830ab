/** Records of volumes and the contract of the volume part (implemented by volumes.ts). */

export interface VolumeRecord {
  readonly name: string;
  readonly driver: 'local';
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: string;
  /** Made for a VOLUME or `-v /path`: removed with its container when asked (`rm -v`). */
  readonly anonymous: boolean;
}

export interface Volumes {
  list(): readonly VolumeRecord[];
  find(name: string): VolumeRecord | undefined;
  get(name: string): VolumeRecord;
  /** Idempotent for the same name and driver options; 64 hexadecimal digits as the name where none is given. */
  create(request: {
    name?: string;
    driver?: string;
    options?: Readonly<Record<string, string>>;
    labels?: Readonly<Record<string, string>>;
    anonymous?: boolean;
  }): Promise<VolumeRecord>;
  /** Throws what `create` would, and MOUNT_INVALID for a directory to be bound that is missing. Makes nothing. */
  check(request: Parameters<Volumes['create']>[0]): void;
  /** Throws IN_USE naming the containers that `usedBy` returns. */
  remove(name: string, options: { force: boolean; usedBy: readonly string[] }): Promise<void>;
  /** `<data-root>/volumes/<name>/_data`; mounts the volume's own device first, where its options name one. */
  mountpoint(name: string): Promise<string>;
  /** Copies what the image has at `source` into the volume, with owners, when the volume is empty. */
  copyUp(name: string, source: string): Promise<void>;
  /**
   * Gives a volume that nothing uses new content, all or nothing: `fill` writes it into an empty directory. Throws
   * NOT_SUPPORTED for one that its options mount from elsewhere.
   */
  replace(name: string, fill: (directory: string) => Promise<void>): Promise<void>;
  sizeBytes(name: string): Promise<number>;
}
