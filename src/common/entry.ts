/**
 * URL of a program or worker that stands beside the caller in the sources, such as `./poller-worker.ts`: the source
 * file when running from sources, the bundle of the same name when running from `dist`.
 */
export function entryUrl(callerUrl: string, relative: string): URL {
  if (callerUrl.endsWith('.ts')) return new URL(relative, callerUrl);
  return new URL(`./${relative.split('/').at(-1)?.replace(/\.ts$/, '.js')}`, callerUrl);
}
