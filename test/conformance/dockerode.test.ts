import { PassThrough, Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import Docker from 'dockerode';
import { pack } from 'tar-stream';
import { describeSessions, type SessionEngine } from './sessions.ts';

describeSessions('dockerode', '', (open) => {
  let engine: SessionEngine;
  let docker: Docker;
  beforeAll(() => {
    engine = open();
    docker = new Docker({ socketPath: engine.socketPath });
  });
  afterAll(async () => {
    for (const { Id } of await docker.listContainers({ all: true, filters: { name: [engine.prefix] } }))
      await docker.getContainer(Id).remove({ force: true, v: true });
    engine.dispose();
  });
  const name = (label: string) => `${engine.prefix}-${label}`;

  test('run attaches before it starts, and tells streams and exit code apart', async () => {
    const streams = { out: new PassThrough(), err: new PassThrough() };
    const said = Promise.all([text(streams.out), text(streams.err)]);
    const [result] = await docker.run(
      'busybox',
      ['sh', '-c', 'echo out; echo err >&2; exit 6'],
      [streams.out, streams.err],
      { Tty: false, HostConfig: { AutoRemove: true } },
    );
    streams.out.end();
    streams.err.end();
    expect(result).toMatchObject({ StatusCode: 6 });
    expect(await said).toEqual(['out\n', 'err\n']);
  });

  test('attach and exec are hijacked both ways, with half-close', async () => {
    const container = await docker.createContainer({
      ...{ Image: 'busybox', name: name('both'), Cmd: ['wc', '-c'], OpenStdin: true, StdinOnce: true },
    });
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, hijack: true });
    await container.start();
    stream.end('twelve bytes');
    expect((await buffer(stream)).toString()).toContain('12\n');
    await container.remove({ force: true });
    const sleeping = await docker.createContainer({ Image: 'busybox', name: name('exec'), Cmd: ['sleep', '600'] });
    await sleeping.start();
    const exec = await sleeping.exec({ Cmd: ['cat'], AttachStdin: true, AttachStdout: true });
    const session = await exec.start({ hijack: true, stdin: true });
    session.end('back again');
    expect((await buffer(session)).toString()).toContain('back again');
    expect(await exec.inspect()).toMatchObject({ Running: false, ExitCode: 0 });
    await sleeping.remove({ force: true });
  });

  test('logs, stats, archives and events come as streams', async () => {
    const events = (await docker.getEvents({ filters: { container: [name('streams')] } })) as Readable;
    const container = await docker.createContainer({
      ...{ Image: 'busybox', name: name('streams'), Cmd: ['sh', '-c', 'echo said; exec sleep 600'] },
    });
    await container.start();
    const log = (await container.logs({ follow: true, stdout: true })) as unknown as Readable;
    for await (const chunk of log) if (String(chunk).includes('said')) break;
    expect((await container.stats({ stream: false })).memory_stats.usage).toBeGreaterThan(0);
    const files = pack();
    files.entry({ name: 'f' }, 'content');
    files.finalize();
    await container.putArchive(Readable.from(files), { path: '/tmp' });
    expect((await buffer(await container.getArchive({ path: '/tmp/f' }))).toString()).toContain('content');
    await container.kill();
    await container.remove();
    let told = '';
    for await (const chunk of events) {
      told += String(chunk);
      if (told.includes('"destroy"')) break;
    }
    expect(told).toContain('"start"');
  });

  test('images are built from a context, networks and volumes come and go', async () => {
    const context = pack();
    context.entry({ name: 'Dockerfile' }, 'FROM busybox\nCOPY file /\nCMD ["cat", "/file"]\n');
    context.entry({ name: 'file' }, 'from the context\n');
    context.finalize();
    const progress = await docker.buildImage(Readable.from(context), { t: name('built') });
    const lines = await new Promise<{ stream?: string }[]>((resolve, reject) => {
      docker.modem.followProgress(progress, (error, output) => (error ? reject(error) : resolve(output)));
    });
    expect(lines.at(-1)?.stream).toContain('Successfully tagged');
    await docker.getImage(name('built')).remove();
    const network = await docker.createNetwork({ Name: name('net') });
    const volume = await docker.createVolume({ Name: name('vol') });
    expect((await docker.listNetworks({ filters: { name: [name('net')] } })).length).toBe(1);
    await network.remove();
    await docker.getVolume((volume as unknown as { name: string }).name).remove();
    await expect(docker.getContainer(name('none')).inspect()).rejects.toMatchObject({ statusCode: 404 });
  });
});
