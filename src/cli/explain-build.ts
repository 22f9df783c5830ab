import type { ProgressMessage, StepDerivation } from '../api/types/image.ts';

/** Keeps what a build's messages say of its keys, to be printed when it has ended. */
export function explaining(messages: AsyncIterable<ProgressMessage>): {
  readonly messages: AsyncIterable<ProgressMessage>;
  text(): string;
} {
  const derivations: StepDerivation[] = [];
  async function* watch(): AsyncGenerator<ProgressMessage> {
    for await (const message of messages) {
      if (message.derivation) derivations.push(message.derivation);
      yield message;
    }
  }
  return {
    messages: watch(),
    text: () => derivations.map((one) => derivationText(one, derivations)).join('\n\n'),
  };
}

const verdicts = { cached: 'CACHED', shared: 'CACHED elsewhere', missed: 'MISS' } as const;

function derivationText(derivation: StepDerivation, all: readonly StepDerivation[]): string {
  const { stage, instruction, at, key, status, reason, rules, parts, files, nearest } = derivation;
  const width = Math.max('rules'.length, ...parts.map(({ name }) => name.length));
  const rows = parts.map(
    ({ name, digest, value }) => `  ${name.padEnd(width)}  ${digest}${valueText(name, value, all)}`,
  );
  return [
    `[${stage}] ${oneLine(instruction)}  (${at})`,
    `  ${verdicts[status]}${reason === undefined ? '' : `: ${reason}`}`,
    `  ${'key'.padEnd(width)}  ${key}`,
    ...rows,
    `  ${'rules'.padEnd(width)}  ${rules}`,
    ...Object.entries(files).map(([name, line]) => `    ${shown(name)}  ${line}`),
    ...(nearest ? nearestLines(nearest) : []),
  ].join('\n');
}

/** The value behind a hash; of the parent the step that it is the key of. */
function valueText(name: string, value: string | undefined, all: readonly StepDerivation[]): string {
  if (value === undefined) return '';
  if (name !== 'parent') return value === '' ? '  (empty)' : `  ${oneLine(value)}`;
  const step = all.find(({ key }) => key === value);
  return `  ${value}${step ? `  [${step.stage}] ${oneLine(step.instruction)}` : ''}`;
}

function nearestLines({ key, instruction, createdAt, parts, files }: NonNullable<StepDerivation['nearest']>): string[] {
  return [
    `  nearest earlier step: ${oneLine(instruction)}`,
    `    key ${key} of ${createdAt}`,
    ...(parts.length === 0 ? ['    the key is the same'] : []),
    ...parts.map(({ name, before = '(not there)', now = '(not there)' }) => `    ${name}: ${before} -> ${now}`),
    ...files.map((change) => `    ${change}`),
  ];
}

const oneLine = (text: string): string => shown(text.replaceAll(/\s*\n\s*/g, ' '));
const shown = (text: string): string => (/[\0-\x1f\x7f]/.test(text) ? JSON.stringify(text) : text);
