import type { ById, Filters, WithSignal } from './requests.ts';
import type { ByteStream } from './streams.ts';
import type { CreationFault, CreationsCheck } from './types/check.ts';
import type { ImageFile, SbomReply, TrustPolicyBody } from './types/image.ts';
import type { Volume } from './types/network.ts';
import type { ScheduleSummary } from './types/schedule.ts';

/** What our engine can do beside Docker's API: draining, schedules, copies of volumes, a look into images. */
export interface OwnApi {
  /**
   * Ours: leads new connections of the ports it shares with others (`annotations.balance`) to those; resolves when its
   * own have ended, or after `t` seconds (default: its stop timeout). It goes on running.
   */
  containerDrain(request: ById & { t?: number | undefined } & WithSignal): Promise<void>;

  /**
   * Ours: why these could not be made and started together, all that can be known without making anything; empty where
   * nothing is wrong. Images and ports are not looked at.
   */
  creationsCheck(request: { body: CreationsCheck } & WithSignal): Promise<CreationFault[]>;

  /** Ours: the containers that are started by the clock (`annotations.schedule`), filtered by `label`. */
  scheduleList(request: { filters?: Filters | undefined } & WithSignal): Promise<ScheduleSummary[]>;

  /** Ours: a new volume with the content of another one, at one moment. */
  volumeClone(
    request: { name: string; to: string; labels?: Readonly<Record<string, string>> | undefined } & WithSignal,
  ): Promise<Volume>;
  /** Ours: gives a volume that nothing uses the content of another one. */
  volumeRestore(request: { name: string; from: string } & WithSignal): Promise<void>;
  /** Ours: the files of a volume as a tar archive. */
  volumeExport(request: { name: string } & WithSignal): Promise<ByteStream>;
  /** Ours: gives a volume, made where it is missing, the files of a tar archive. */
  volumeImport(request: { name: string; body: ByteStream } & WithSignal): Promise<Volume>;

  /** Ours: what software an image has; `format`: spdx or cyclonedx. */
  imageSbom(request: { name: string; format?: string | undefined } & WithSignal): Promise<SbomReply>;
  /** Ours: files of an image whose path fits a pattern. */
  imageFiles(request: { name: string; pattern?: string | undefined } & WithSignal): AsyncIterable<ImageFile>;
  /** Ours: all files of an image as one tar archive, as a container would see them; `folder`: below this directory. */
  imageTree(request: { name: string; folder?: string | undefined } & WithSignal): Promise<ByteStream>;

  /** Ours: which images are taken from registries. */
  trustPolicy(request: WithSignal): Promise<TrustPolicyBody>;
  trustPolicySet(request: { body: TrustPolicyBody } & WithSignal): Promise<void>;
}
