import type { EngineApi } from '../api/engine-api.ts';
import { IechorError } from '../common/error.ts';
import type { EngineContext } from './context.ts';
import { publishContainer } from './notify.ts';

/** New size of a running container's terminal. */
export async function resizeContainer(
  context: EngineContext,
  request: Parameters<EngineApi['containerResize']>[0],
): Promise<void> {
  const record = context.containers.get(request.id);
  if (record.pid === 0) throw new IechorError('WRONG_STATE', `container "${record.name}" is not running`);
  await context.monitor.resize(record.id, request.h, request.w);
  publishContainer(context, record, 'resize', { height: String(request.h), width: String(request.w) });
}
