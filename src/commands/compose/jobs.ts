import type { ScheduleRun, ScheduleSummary } from '../../api/types/schedule.ts';
import { ComposeCommand } from '../../cli/compose-command.ts';
import { Flags } from '../../cli/flags.ts';
import { renderTable } from '../../cli/render/table.ts';
import { labels } from '../../compose/plan/labels.ts';
import { checkServices } from '../../compose/state.ts';

export default class Jobs extends ComposeCommand {
  static override summary = 'Show the services that run by the clock: when next, and how they ran';
  static override synopsis = '[OPTIONS] [SERVICE...]';
  static override strict = false;
  static override flags = {
    format: Flags.string({ summary: 'table or json', options: ['table', 'json'] }),
    history: Flags.boolean({ summary: 'Every run that is remembered, the latest last' }),
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Jobs);
    const services = argv as string[];
    const { engine, target } = await this.engineAndTarget();
    const filters = { label: [`${labels.project}=${target.project}`] };
    const all = await engine.scheduleList({ filters, signal: this.signal });
    checkServices(target, services, []);
    const jobs = all.filter(({ Labels }) => services.length === 0 || services.includes(Labels[labels.service] ?? ''));
    if (flags.format === 'json')
      this.print(JSON.stringify(jobs.map(({ Labels, ...job }) => ({ Service: Labels[labels.service], ...job }))));
    else if (flags.history) this.print(renderTable(['SERVICE', 'DUE', 'RESULT', 'TOOK'], jobs.flatMap(historyRows)));
    else this.print(renderTable(['SERVICE', 'SCHEDULE', 'NEXT', 'LAST', 'RESULT'], jobs.map(jobRow)));
  }
}

const local = (time: string): string => (time === '' ? '' : new Date(time).toLocaleString('sv-SE').slice(0, 16));
const serviceOf = ({ Labels, Name }: ScheduleSummary): string => Labels[labels.service] ?? Name;

function jobRow(job: ScheduleSummary): string[] {
  const last = job.Runs.at(-1);
  const next = job.Next === '' ? 'never' : local(job.Next);
  return [serviceOf(job), job.Schedule, next, last ? local(last.Due) : '', last ? resultOf(last) : ''];
}

const historyRows = (job: ScheduleSummary): string[][] =>
  job.Runs.map((run) => [serviceOf(job), local(run.Due), resultOf(run), tookOf(run)]);

function resultOf({ Outcome, ExitCode, Why }: ScheduleRun): string {
  if (Outcome === 'ended') return `exit ${ExitCode ?? '?'}`;
  if (Outcome === 'started') return 'runs';
  return `${Outcome}${Why ? `: ${Why}` : ''}`;
}

function tookOf({ StartedAt, FinishedAt }: ScheduleRun): string {
  if (StartedAt === '' || FinishedAt === '') return '';
  return `${(Math.max(0, Date.parse(FinishedAt) - Date.parse(StartedAt)) / 1000).toFixed(1)} s`;
}
