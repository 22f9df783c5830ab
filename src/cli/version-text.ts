import type { VersionReply } from '../api/types/system.ts';
import { apiVersion } from '../api/wire.ts';
import { version } from '../common/version.ts';

/** What `version --format` sees, with Docker's names. */
export interface Versions {
  readonly Client: Readonly<Record<string, string>>;
  /** Null where no engine answers. */
  readonly Server: (VersionReply & { readonly APIVersion: string }) | null;
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/** Versions of this program and of the engine it talks to. */
export function versionsOf(context: string, server: VersionReply | undefined): Versions {
  const Client = {
    ...{ Version: version, ApiVersion: apiVersion, APIVersion: apiVersion, DefaultAPIVersion: apiVersion },
    ...{ GitCommit: '', GoVersion: '', NodeVersion: process.version, BuildTime: '' },
    ...{ Os: process.platform, Arch: architectures[process.arch] ?? process.arch, Context: context },
  };
  return { Client, Server: server ? { ...server, APIVersion: server.ApiVersion } : null };
}

/** Both as people read them, in Docker's form. */
export function versionText({ Client, Server }: Versions): string {
  const client = [
    'Client:',
    line('Version', Client.Version, 19),
    line('API version', Client.APIVersion, 19),
    line('Node.js version', Client.NodeVersion, 19),
    line('OS/Arch', `${Client.Os}/${Client.Arch}`, 19),
    line('Context', Client.Context, 19),
  ];
  if (Server === null) return client.join('\n');
  const [engine, ...others] =
    Server.Components.length > 0 ? Server.Components : [{ Name: 'Engine', Version: Server.Version }];
  const details = engine?.Details ?? {};
  const server = [
    Server.Platform.Name === '' ? 'Server:' : `Server: ${Server.Platform.Name}`,
    ` ${engine?.Name ?? 'Engine'}:`,
    line('Version', Server.Version, 18, '  '),
    line('API version', `${Server.ApiVersion} (minimum version ${Server.MinAPIVersion})`, 18, '  '),
    ...(Server.GoVersion ? [line('Go version', Server.GoVersion, 18, '  ')] : []),
    line('OS/Arch', `${Server.Os}/${Server.Arch}`, 18, '  '),
    line('Kernel version', Server.KernelVersion, 18, '  '),
    line('Experimental', details.Experimental ?? 'false', 18, '  '),
    ...others.flatMap(({ Name, Version }) => [` ${Name}:`, line('Version', Version, 18, '  ')]),
  ];
  return [...client, '', ...server].join('\n');
}

const line = (name: string, value: string | undefined, width: number, indent = ' '): string =>
  `${indent}${`${name}:`.padEnd(width)}${value ?? ''}`.trimEnd();
