import { connect } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { BaseCommand } from '../../cli/base-command.ts';
import { resolveEndpoint } from '../../cli/endpoint.ts';
import { IechorError } from '../../common/error.ts';

export default class SystemDialStdio extends BaseCommand {
  static override summary = "Hand the engine's socket to whoever started this command; what ssh:// addresses run";

  async run(): Promise<void> {
    await this.parse(SystemDialStdio);
    await this.engine(); // Starts our own where it does not run.
    const endpoint = resolveEndpoint(this.globals, process.env);
    if (!('socketPath' in endpoint))
      throw new IechorError('NOT_SUPPORTED', `${endpoint.address} is not an engine of this machine`);
    const socket = connect({ path: endpoint.socketPath, allowHalfOpen: true });
    // What the engine says ends it, also where the other side would still write: that one waits for this end.
    process.stdin.pipe(socket);
    await pipeline(socket, process.stdout, { end: false });
  }
}
