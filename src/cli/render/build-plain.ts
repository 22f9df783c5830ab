import { type BuildNews, createBuildReader } from './build-reader.ts';
import { duration, summaryLines } from './build-summary.ts';
import type { BuildView } from './build-view.ts';

/** A build as lines, each with the number of its step, since steps of independent stages run side by side. */
export function plainBuild(line: (text: string) => void, now: () => number = Date.now): BuildView {
  const reader = createBuildReader(now);
  const tell = (news: readonly BuildNews[]) => {
    for (const one of news) for (const text of plainLines(one, now())) line(text);
  };
  return { take: (message) => tell(reader.take(message)), end: () => tell(reader.end()) };
}

function plainLines(news: BuildNews, at: number): string[] {
  if (news.kind === 'text') return news.text.split('\n');
  if (news.kind === 'summary') return summaryLines(news.summary);
  const { step } = news;
  const mark = `#${step.number}`;
  switch (news.kind) {
    case 'begun':
      return [`${mark} ${step.title}`];
    case 'missed':
      return [`${mark} MISS: ${step.reason ?? ''}`];
    case 'output':
      return [`${mark} ${((at - step.startedAt) / 1000).toFixed(3)} ${news.line}`];
    case 'ended':
      if (step.state === 'cached') return [`${mark} CACHED${step.from === undefined ? '' : ` (from ${step.from})`}`];
      return [
        step.state === 'failed' ? `${mark} ERROR after ${duration(step.ms)}` : `${mark} DONE ${duration(step.ms)}`,
      ];
  }
}
