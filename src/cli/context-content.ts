import { readFileSync } from 'node:fs';
import { IechorError, messageOf } from '../common/error.ts';
import { type Context, type ContextContent, certificateNames } from './contexts.ts';
import { ofHost } from './endpoint.ts';

const keys = ['host', 'ca', 'cert', 'key', 'skip-tls-verify'];

/**
 * What `--docker host=...,ca=...,cert=...,key=...,skip-tls-verify=...` and `--description` say, over what is there already.
 * Throws USAGE for unknown keys, unreadable files and addresses that could not be used.
 */
export function contextContent(
  given: { readonly docker?: string | undefined; readonly description?: string | undefined },
  former: ContextContent | undefined,
): ContextContent {
  const fields = new Map(
    (given.docker ?? '').split(',').flatMap((part): [string, string][] => {
      const cut = part.indexOf('=');
      return part === '' ? [] : [[part.slice(0, cut < 0 ? undefined : cut), cut < 0 ? '' : part.slice(cut + 1)]];
    }),
  );
  for (const key of fields.keys()) {
    if (!keys.includes(key))
      throw new IechorError('USAGE', `--docker has no key "${key}"`, { hint: `known: ${keys.join(', ')}` });
  }
  const named = certificateNames.flatMap((file): [string, string][] => {
    const path = fields.get(file.slice(0, -'.pem'.length));
    return path ? [[file, readText(path)]] : [];
  });
  const content = {
    description: given.description ?? former?.description ?? '',
    host: fields.get('host') ?? former?.host ?? '',
    skipVerify: fields.has('skip-tls-verify')
      ? fields.get('skip-tls-verify') !== 'false'
      : (former?.skipVerify ?? false),
    certificates: { ...(fields.has('host') ? {} : former?.certificates), ...Object.fromEntries(named) },
  };
  if (content.host === '') throw new IechorError('USAGE', 'a context needs an address: --docker host=ADDRESS');
  ofHost(content.host, Object.keys(content.certificates).length > 0 ? { skipVerify: content.skipVerify } : undefined);
  return content;
}

/** A context with its certificates, as another is made from it. */
export function contentOf({ description, host, tls }: Context): ContextContent {
  const files = { 'ca.pem': tls?.ca, 'cert.pem': tls?.cert, 'key.pem': tls?.key };
  const certificates = Object.entries(files).flatMap(([file, path]) => (path ? [[file, readText(path)]] : []));
  return { description, host, skipVerify: tls?.skipVerify === true, certificates: Object.fromEntries(certificates) };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new IechorError('USAGE', `cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}
