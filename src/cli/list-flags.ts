import { Flags } from './flags.ts';

/** `--filter NAME=VALUE`, often: what the lists of engine objects share. */
export const filterFlag = Flags.string({
  char: 'f',
  summary: 'Only those that match (name=value)',
  multiple: true,
  multipleNonGreedy: true,
});

/** `--format` of lists. */
export const formatFlag = Flags.string({ summary: 'table, json, or a Go template' });
