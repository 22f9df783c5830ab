import type { EngineApi } from '../api/engine-api.ts';
import type { ContainerTopReply } from '../api/types/container.ts';
import { IechorError } from '../common/error.ts';
import { processesOf } from '../host/cgroup.ts';
import { hostMemoryBytes, hostUserNames, type ProcessRow, processRows } from '../host/process-table.ts';
import type { EngineContext } from './context.ts';
import { publishContainer } from './notify.ts';
import { cgroupPath } from './paths.ts';

/**
 * Processes of a running container, read from the host: nothing needs to be in the image. Forms of ps(1) that are
 * known: `-ef` (the default), `aux`, and `-o` with a list of columns. Throws NOT_SUPPORTED for others.
 */
export async function containerTop(
  context: EngineContext,
  { id, psArgs }: Parameters<EngineApi['containerTop']>[0],
): Promise<ContainerTopReply> {
  const record = context.containers.get(id);
  if (record.status !== 'running' && record.status !== 'paused') {
    throw new IechorError('WRONG_STATE', `container ${record.id} is not running`);
  }
  const { form, order } = orderOf(psArgs?.trim() || '-ef');
  const chosen = columnsOf(form);
  const rows = processRows(processesOf(cgroupPath(context.roots, record.id, record.body.HostConfig?.CgroupParent)));
  publishContainer(context, record, 'top');
  const look: Look = { now: Date.now(), users: hostUserNames(), memoryBytes: hostMemoryBytes() };
  return {
    Processes: rows
      .sort((a, b) => a.pid - b.pid)
      .sort(order(look))
      .map((row) => chosen.map(({ show }) => show(row, look))),
    Titles: chosen.map(({ title }) => title),
  };
}

/** `--sort=[+-]column` beside the form, as ps takes it. Throws NOT_SUPPORTED for a column there is none of. */
function orderOf(psArgs: string): { form: string; order: (look: Look) => (a: ProcessRow, b: ProcessRow) => number } {
  const [asked, sign, name = ''] = /\s*--sort[= ]([+-]?)(\S+)\s*/.exec(psArgs) ?? [];
  if (asked === undefined) return { form: psArgs, order: () => () => 0 };
  const [column] = columnsOf(`-o ${name}`);
  const direction = sign === '-' ? -1 : 1;
  const compare = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true }) * direction;
  return {
    form: psArgs.replace(asked, ' ').trim() || '-ef',
    order: (look) => (a, b) => (column ? compare(column.show(a, look), column.show(b, look)) : 0),
  };
}

interface Look {
  readonly now: number;
  readonly users: ReadonlyMap<number, string>;
  readonly memoryBytes: number;
}
interface Column {
  readonly title: string;
  show(row: ProcessRow, look: Look): string;
}

const user = ({ uid }: ProcessRow, { users }: Look) => users.get(uid) ?? String(uid);
const share = (part: number, whole: number) => (whole > 0 ? (100 * part) / whole : 0);
const cpuPercent = (row: ProcessRow, { now }: Look) => share(row.cpuSeconds * 1000, now - row.startedAt);
const kibibytes = (bytes: number) => String(Math.round(bytes / 1024));

const columns: Readonly<Record<string, Column>> = {
  uid: { title: 'UID', show: user },
  user: { title: 'USER', show: user },
  pid: { title: 'PID', show: ({ pid }) => String(pid) },
  ppid: { title: 'PPID', show: ({ parent }) => String(parent) },
  c: { title: 'C', show: (row, look) => String(Math.min(99, Math.floor(cpuPercent(row, look)))) },
  stime: { title: 'STIME', show: ({ startedAt }, { now }) => startText(startedAt, now) },
  start: { title: 'START', show: ({ startedAt }, { now }) => startText(startedAt, now) },
  tty: { title: 'TTY', show: ({ terminal }) => terminal },
  time: { title: 'TIME', show: ({ cpuSeconds }) => clock(cpuSeconds) },
  cmd: { title: 'CMD', show: ({ command }) => command },
  command: { title: 'COMMAND', show: ({ command }) => command },
  args: { title: 'COMMAND', show: ({ command }) => command },
  comm: { title: 'COMMAND', show: ({ name }) => name },
  stat: { title: 'STAT', show: ({ state, threads }) => (threads > 1 ? `${state}l` : state) },
  nlwp: { title: 'NLWP', show: ({ threads }) => String(threads) },
  rss: { title: 'RSS', show: ({ residentBytes }) => kibibytes(residentBytes) },
  vsz: { title: 'VSZ', show: ({ virtualBytes }) => kibibytes(virtualBytes) },
  '%cpu': { title: '%CPU', show: (row, look) => cpuPercent(row, look).toFixed(1) },
  '%mem': { title: '%MEM', show: ({ residentBytes }, { memoryBytes }) => share(residentBytes, memoryBytes).toFixed(1) },
  etime: { title: 'ELAPSED', show: ({ startedAt }, { now }) => clock((now - startedAt) / 1000) },
};
const forms: Readonly<Record<string, string>> = {
  '-ef': 'uid,pid,ppid,c,stime,tty,time,cmd',
  aux: 'user,pid,%cpu,%mem,vsz,rss,tty,stat,start,time,command',
};

function columnsOf(psArgs: string): Column[] {
  const known = Object.hasOwn(forms, psArgs) ? forms[psArgs] : /^-?(?:e|A)?o\s*(\S+)$/.exec(psArgs)?.[1];
  const list = known?.split(',').map((name) => (Object.hasOwn(columns, name) ? columns[name] : undefined));
  if (list?.every((column) => column !== undefined)) return list;
  throw new IechorError('NOT_SUPPORTED', `processes cannot be shown as of "ps ${psArgs}"`, {
    hint: `use -ef, aux, or -o with columns of: ${Object.keys(columns).join(', ')}`,
  });
}

/** The hour of a process of today, the day of an older one. */
function startText(startedAt: number, now: number): string {
  const started = new Date(startedAt);
  if (started.toDateString() === new Date(now).toDateString()) return started.toTimeString().slice(0, 5);
  return started.toDateString().slice(4, 10).replace(' ', '');
}

function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number: number) => String(number).padStart(2, '0');
  return `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}
