import { BaseCommand } from '../../cli/base-command.ts';
import { Flags } from '../../cli/flags.ts';
import { formatValue } from '../../cli/render/format.ts';
import { formatBytes } from '../../common/bytes.ts';

export default class Info extends BaseCommand {
  static override summary = 'Show what the engine is and what it holds';
  static override flags = { format: Flags.string({ char: 'f', summary: 'json, or a Go template' }) };

  async run(): Promise<void> {
    const { flags } = await this.parse(Info);
    const info = await (await this.engine()).systemInfo({});
    if (flags.format) return this.print(formatValue(info, flags.format, { strict: true }));
    const lines = [
      `Server Version: ${info.ServerVersion}`,
      `Containers: ${info.Containers} (running ${info.ContainersRunning}, paused ${info.ContainersPaused}, stopped ${info.ContainersStopped})`,
      `Images: ${info.Images}`,
      `Storage Driver: ${info.Driver}`,
      `Logging Driver: ${info.LoggingDriver}`,
      `Cgroup Driver: ${info.CgroupDriver}, version ${info.CgroupVersion}`,
      `Runtimes: ${Object.keys(info.Runtimes).join(', ')} (default ${info.DefaultRuntime})`,
      `Security Options: ${info.SecurityOptions.join(', ')}`,
      `Kernel Version: ${info.KernelVersion}`,
      `Operating System: ${info.OperatingSystem}, ${info.Architecture}`,
      `CPUs: ${info.NCPU}   Total Memory: ${formatBytes(info.MemTotal)}`,
      `Root Dir: ${info.DockerRootDir}`,
    ];
    for (const line of lines) this.print(line);
    for (const warning of info.Warnings ?? []) process.stderr.write(`WARNING: ${warning}\n`);
  }
}
