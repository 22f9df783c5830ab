import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { givenArgs, globalArgs } from '../../../../src/build/args.ts';
import { buildGraph } from '../../../../src/build/graph.ts';
import { lint } from '../../../../src/build/lint/lint.ts';
import type { BaseFacts } from '../../../../src/build/lint/stage-rules.ts';
import { type LintRule, lintRuleNames } from '../../../../src/build/lint/rule-table.ts';
import { parseBuildFile } from '../../../../src/build/parse.ts';

const platform = { os: 'linux', architecture: 'amd64' };
const amd64: BaseFacts = {
  ...{
    variables: new Map([
      ['PATH', '/bin'],
      ['OF_BASE', 'in/base'],
    ]),
    platform: 'linux/amd64',
  },
  ...{ hasShell: false, triggers: [] },
};

function check(text: string, facts = amd64) {
  const file = parseBuildFile(text, 'iEchorfile');
  const globals = globalArgs(file, givenArgs({}), { target: platform, host: platform, stage: 'x' });
  const { nodes } = buildGraph(file, globals, undefined);
  const bases = new Map([...nodes.keys()].map((index) => [index, facts] as const));
  const isIgnored = (path: string) => path === 'left/out';
  const given = givenArgs({});
  return lint({ file, nodes, needed: new Set(nodes.keys()), globals, given, platform, bases, isIgnored });
}
const found = (text: string, facts?: typeof amd64) =>
  check(text, facts).warnings.map(({ rule, at }) => `${rule} ${at.line}:${at.column}`);

/** A file with the mistake, its place, and a file without it. */
const examples: Readonly<
  Record<Exclude<LintRule, 'InvalidDefaultArgInFrom'>, readonly [bad: string, place: string, good: string]>
> = {
  StageNameCasing: ['FROM a AS Build', '1:11', 'FROM a AS build'],
  FromAsCasing: ['FROM a as build', '1:7', 'from a as build\nFrom b as c'],
  NoEmptyContinuation: ['FROM a\nRUN b \\\n\n c', '4:1', 'FROM a\nRUN b \\\n# d\n c'],
  ConsistentInstructionCasing: ['FROM a\nrun b\nUSER c', '2:1', 'from a\nrun b'],
  DuplicateStageName: ['FROM a AS b\nFROM a AS b', '2:11', 'FROM a AS b\nFROM a AS c'],
  ReservedStageName: ['FROM a AS scratch', '1:11', 'FROM a AS scratched'],
  JSONArgsRecommended: ['FROM a\nCMD b c', '2:1', 'FROM a\nSHELL ["/bin/bash", "-c"]\nCMD b c'],
  MaintainerDeprecated: ['FROM a\nMAINTAINER b', '2:1', 'FROM a\nLABEL maintainer=b'],
  UndefinedArgInFrom: ['FROM a:b${TAG}', '1:11', 'ARG TAG=1\nFROM a:b${TAG}'],
  WorkdirRelativePath: ['FROM a\nWORKDIR b', '2:1', 'FROM a\nWORKDIR /b\nWORKDIR c'],
  UndefinedVar: ['FROM a\nENV B=${C}', '2:9', 'FROM a\nARG C\nENV B=$C$OF_BASE\nEXPOSE $D'],
  MultipleInstructionsDisallowed: ['FROM a\nCMD ["b"]\nCMD ["c"]', '2:1', 'FROM a AS x\nCMD ["b"]\nFROM a\nCMD ["c"]'],
  LegacyKeyValueFormat: ['FROM a\nENV b c', '2:1', 'FROM a\nENV b=c'],
  InvalidBaseImagePlatform: ['FROM a', '1:6', 'FROM --platform=$BUILDPLATFORM a'],
  RedundantTargetPlatform: ['FROM --platform=$TARGETPLATFORM a', '1:6', 'FROM --platform=$BUILDPLATFORM a'],
  SecretsUsedInArgOrEnv: ['FROM a\nENV b=1 DB_PASSWORD=x', '2:9', 'FROM a\nENV PUBLIC_KEY=x TOKENIZER=y'],
  FromPlatformFlagConstDisallowed: [
    'FROM --platform=linux/amd64 a',
    '1:6',
    'FROM --platform=linux/amd64 a AS on-amd64',
  ],
  CopyIgnoredFile: ['FROM a\nCOPY in left/out /', '2:9', 'FROM a AS b\nFROM a\nCOPY --from=b left/out /'],
  InvalidDefinitionDescription: [
    '# check=experimental=all\nFROM b\n# the version\nARG A=1',
    '4:1',
    '# check=skip=all;experimental=all\nFROM b\n# B version\nARG A=1 B=2',
  ],
  ExposeProtoCasing: ['FROM a\nEXPOSE 80 53/UDP', '2:11', 'FROM a\nEXPOSE 53/udp'],
  ExposeInvalidFormat: ['FROM a\nEXPOSE 127.0.0.1:80:80', '2:8', 'FROM a\nEXPOSE 80'],
};

describe('the checks of a build file', () => {
  it.each(Object.keys(examples) as (keyof typeof examples)[])(
    '%s tells the mistake at its place, and leaves what is right alone',
    (rule) => {
      const [bad, place, good] = examples[rule];
      const facts = rule === 'InvalidBaseImagePlatform' ? { ...amd64, platform: 'linux/arm64' } : amd64;
      expect(found(bad, facts)).toContain(`${rule} ${place}`);
      expect(found(good, facts).filter((line) => line.startsWith(rule))).toEqual([]);
    },
  );

  it('tells an image whose name is malformed without arguments from outside', () => {
    const file = 'ARG TAG\nFROM a:${TAG}';
    const parsed = parseBuildFile(file, 'iEchorfile');
    const globals = globalArgs(parsed, givenArgs({ TAG: '1' }), { target: platform, host: platform, stage: 'x' });
    const { nodes } = buildGraph(parsed, globals, undefined);
    const [given, bases] = [givenArgs({ TAG: '1' }), new Map()];
    const needed = new Set([0]);
    const checks = { file: parsed, nodes, needed, globals, given, platform, bases, isIgnored: () => false };
    expect(lint(checks).warnings.map(({ rule }) => rule)).toEqual(['InvalidDefaultArgInFrom']);
  });

  it.each(lintRuleNames)('%s has a page of its own', (rule) => {
    expect(existsSync(join(import.meta.dirname, `../../../../docs/checks/${rule}.md`))).toBe(true);
  });

  it('skips what the file asks to skip, and all of it', () => {
    expect(found('# check=skip=MaintainerDeprecated\nFROM a\nMAINTAINER b\nENV c d')).toEqual([
      'LegacyKeyValueFormat 4:1',
    ]);
    expect(found('# check=skip=all\nFROM a\nMAINTAINER b')).toEqual([]);
    expect(found('# check=skip=maintainerdeprecated\nFROM a\nMAINTAINER b')).toEqual(['MaintainerDeprecated 3:1']);
  });

  it('makes errors of warnings where the file says so', () => {
    expect(check('# check=skip=JSONArgsRecommended;error=true\nFROM a').error).toBe(true);
  });

  it.each([
    ['a mount', 'RUN --mount=target=/m/$C true'],
    ['the body of a heredoc', 'COPY <<E /f\n"$C\nE'],
  ])('finds undefined variables in %s', (_, line) => {
    expect(found(`FROM a\n${line}`)).toEqual([expect.stringMatching(/^UndefinedVar 2:/)]);
  });

  it.each([
    ['WORKDIR $DIR', 'WorkdirRelativePath 4:1'],
    ['WORKDIR "rel"', 'WorkdirRelativePath 4:1'],
    ['EXPOSE $PORT', 'ExposeProtoCasing 4:8'],
    ['COPY $FILE /', 'CopyIgnoredFile 4:6'],
    ['CMD ', 'JSONArgsRecommended 4:1'],
  ])('takes %s for what its variables make of it', (line, place) => {
    expect(found(`FROM a\nARG PORT=80/TCP FILE=left/out\nENV DIR=$OF_BASE\n${line}`)).toEqual([place]);
    expect(found(`FROM a\nARG PORT=80 FILE=kept\nENV DIR=/$OF_BASE\nSHELL ["sh"]\n${line}`)).toEqual(
      line.includes('"rel"') ? ['WorkdirRelativePath 5:1'] : [],
    );
  });

  it('checks the triggers of a base image, and tells what they do at the FROM that brings them', () => {
    const facts = { ...amd64, triggers: ['ENV c d', 'WORKDIR rel', 'COPY left/out /', 'CMD e', 'BROKEN'] };
    expect(found('ARG X\nFROM a\nCMD ["f"]', facts)).toEqual(
      ['JSONArgsRecommended', 'WorkdirRelativePath', 'MultipleInstructionsDisallowed', 'LegacyKeyValueFormat']
        .concat('CopyIgnoredFile')
        .map((rule) => `${rule} 2:1`),
    );
    const [, second] = check('FROM a\nRUN b', facts).warnings;
    expect(second?.message).toMatch(/ \(in "ONBUILD WORKDIR rel" of a\)$/);
    expect(found('FROM scratch AS a\nONBUILD ENV c d\nFROM a')).toEqual(['LegacyKeyValueFormat 3:1']);
  });

  it('refuses options it does not know, by place', () => {
    expect(() => check('# escape=`\n# check=skp=all\nFROM a')).toThrow(/iEchorfile:2:1/);
  });

  it('does not complain about variables where the base image is unknown', () => {
    const file = parseBuildFile('FROM a\nENV B=$C', 'iEchorfile');
    const { nodes } = buildGraph(file, new Map(), undefined);
    const [given, globals, bases] = [givenArgs({}), new Map(), new Map()];
    const checks = { file, nodes, needed: new Set([0]), globals, given, platform, isIgnored: () => false };
    expect(lint({ ...checks, bases }).warnings).toEqual([]);
  });
});
