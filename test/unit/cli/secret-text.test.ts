import { expect, test } from '@jest/globals';
import { refuseDrivers } from '../../../src/cli/secret-drivers.ts';
import { prettyConfig, prettySecret } from '../../../src/cli/secret-text.ts';

const one = {
  ID: 'id1',
  Version: { Index: 1 },
  CreatedAt: '2026-01-02T03:04:05.120Z',
  UpdatedAt: '2026-01-02T03:04:05Z',
  Spec: { Name: 'key', Labels: { b: '', a: '1' }, Data: Buffer.from('text').toString('base64') },
};

test('a secret and a config are shown to people in Docker’s lines, the secret without its content', () => {
  expect(prettySecret(one)).toBe(
    [
      'ID:              id1',
      'Name:              key',
      'Labels:',
      ' - a=1',
      ' - b',
      'Driver:            ',
      'Created at:        2026-01-02 03:04:05.12 +0000 utc',
      'Updated at:        2026-01-02 03:04:05 +0000 utc',
    ].join('\n'),
  );
  expect(prettyConfig({ ...one, Spec: { ...one.Spec, Labels: null } })).toBe(
    'ID:\t\t\tid1\nName:\t\t\tkey\nCreated at:            \t2026-01-02 03:04:05.12 +0000 utc\n' +
      'Updated at:            \t2026-01-02 03:04:05 +0000 utc\nData:\ntext',
  );
});

test('drivers of secrets and templates are refused by name', () => {
  refuseDrivers({});
  expect(() => refuseDrivers({ driver: 'vault' })).toThrow(expect.objectContaining({ code: 'NOT_SUPPORTED' }));
  expect(() => refuseDrivers({ 'template-driver': 'golang' })).toThrow('--template-driver golang');
});
