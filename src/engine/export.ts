import type { EngineApi } from '../api/engine-api.ts';
import type { ByteStream } from '../api/streams.ts';
import { messageOf } from '../common/error.ts';
import { packTree } from '../image/tar-diff.ts';
import type { LifeContext } from './life.ts';
import { publishContainer } from './notify.ts';
import { holdRootfs } from './rootfs-hold.ts';

/** The container's files as one tar archive; what is mounted into it (volumes, /proc) is left out. */
export async function exportContainer(
  context: LifeContext,
  request: Parameters<EngineApi['containerExport']>[0],
): Promise<ByteStream> {
  const record = context.containers.get(request.id);
  const { rootfs, release } = await holdRootfs(context, record.id);
  const stream = packTree(rootfs, { withoutRoot: true });
  stream.once('close', () => {
    release().catch((error) =>
      context.log.error('an exported root stays mounted', { container: record.id, error: messageOf(error) }),
    );
  });
  const abort = () => stream.destroy();
  request.signal?.addEventListener('abort', abort, { once: true });
  if (request.signal?.aborted) abort();
  publishContainer(context, record, 'export');
  return stream;
}
