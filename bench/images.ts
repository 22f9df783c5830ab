import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { median, spread, timeCommand } from './measure.ts';

interface Shape {
  readonly name: string;
  readonly layers: number;
  readonly filesPerLayer: number;
  readonly fileBytes: number;
}

const shapes: readonly Shape[] = [
  { name: 'large', layers: 10, filesPerLayer: 10, fileBytes: 5 * 1024 ** 2 },
  { name: 'many', layers: 10, filesPerLayer: 5000, fileBytes: 2000 },
];

/**
 * `save` and `load` of an image of 500 MB in ten layers and of one of 50,000 small files, against Docker's client and
 * engine, in turns. Both engines get the same archive; each load begins without the image.
 */
export function images({ rounds, peer }: { rounds: number; peer: string }): void {
  const docker = peer.split(' ');
  const own = [process.execPath, resolve('dist/iechor-main.js')];
  const dir = mkdtempSync(join(tmpdir(), 'iechor-bench-images-'));
  const env = { IECHOR_DATA_ROOT: join(dir, 'data'), IECHOR_EXEC_ROOT: join(dir, 'run') };
  const sh = (command: string) => ['sh', '-c', command];
  try {
    for (const shape of shapes) {
      const archive = makeArchive(dir, shape);
      const image = `bench-${shape.name}:1`;
      const times: Record<string, number[]> = { 'load ours': [], 'load peer': [], 'save ours': [], 'save peer': [] };
      const note = (what: string, ms: number) => times[what]?.push(ms);
      for (let round = 0; round < rounds; round++) {
        note('load peer', timeCommand(sh(`${docker.join(' ')} load -q < ${archive}`)));
        note('load ours', timeCommand(sh(`${own.join(' ')} load -q < ${archive}`), { env }));
        note('save peer', timeCommand(sh(`${docker.join(' ')} save ${image} > ${join(dir, 'out.tar')}`)));
        note('save ours', timeCommand(sh(`${own.join(' ')} save ${image} > ${join(dir, 'out.tar')}`), { env }));
        spawnSync(docker[0] ?? '', [...docker.slice(1), 'rmi', '-f', image]);
        spawnSync(own[0] ?? '', [...own.slice(1), 'rmi', '-f', image], { env: { ...process.env, ...env } });
      }
      console.log(
        `${shape.name} (${Math.round(statSync(archive).size / 1e6)} MB, ${rounds} rounds), ms: median (least-most)`,
      );
      for (const verb of ['load', 'save']) {
        const [ours = [], theirs = []] = [times[`${verb} ours`], times[`${verb} peer`]];
        const ratio = (median(ours) / median(theirs)).toFixed(2);
        console.log(`  ${verb}  ours ${spread(ours)}  peer ${spread(theirs)}  ratio ${ratio}`);
      }
      rmSync(archive);
    }
  } finally {
    spawnSync(own[0] ?? '', [...own.slice(1), 'daemon', 'stop', '--force'], { env: { ...process.env, ...env } });
    rmSync(dir, { recursive: true, force: true });
  }
}

/** An archive as `docker save` makes it, of files of which half can be compressed. The same at every time. */
function makeArchive(dir: string, { name, layers, filesPerLayer, fileBytes }: Shape): string {
  const root = join(dir, `tree-${name}`);
  const diffIds: string[] = [];
  for (let layer = 0; layer < layers; layer++) {
    const tree = join(root, `layer-${layer}`);
    for (let file = 0; file < filesPerLayer; file++) {
      const folder = join(tree, `l${layer}`, `d${Math.floor(file / 100)}`);
      if (file % 100 === 0) mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `f${file}`), contentOf(`${layer} ${file}`, fileBytes, file % 2 === 0));
    }
    mkdirSync(join(root, 'image', String(layer)), { recursive: true });
    const tar = join(root, 'image', String(layer), 'layer.tar');
    spawnSync('tar', ['--sort=name', '--mtime=@1600000000', '--owner=0', '--group=0', '-cf', tar, '-C', tree, '.']);
    const sum = spawnSync('sha256sum', [tar], { encoding: 'utf8' }).stdout.split(' ')[0];
    diffIds.push(`sha256:${sum}`);
    rmSync(tree, { recursive: true });
  }
  const config = JSON.stringify({
    ...{ architecture: process.arch === 'arm64' ? 'arm64' : 'amd64', os: 'linux', config: { Cmd: ['x'] } },
    rootfs: { type: 'layers', diff_ids: diffIds },
  });
  const id = createHash('sha256').update(config).digest('hex');
  writeFileSync(join(root, 'image', `${id}.json`), config);
  const list = [
    { Config: `${id}.json`, RepoTags: [`bench-${name}:1`], Layers: diffIds.map((_, at) => `${at}/layer.tar`) },
  ];
  writeFileSync(join(root, 'image', 'manifest.json'), JSON.stringify(list));
  const archive = join(dir, `${name}.tar`);
  spawnSync('tar', ['-cf', archive, '-C', join(root, 'image'), '.']);
  rmSync(root, { recursive: true });
  return archive;
}

/** Bytes that a compressor can do nothing with, or that it halves and more. */
function contentOf(seed: string, size: number, dense: boolean): Buffer {
  const out = Buffer.alloc(size);
  for (let at = 0, round = 0; at < size; round++) {
    const block = createHash('sha512').update(`${seed} ${round}`).digest();
    const piece = dense ? block : Buffer.from(block.toString('base64').slice(0, 16).repeat(8));
    at += piece.copy(out, at);
  }
  return out;
}
