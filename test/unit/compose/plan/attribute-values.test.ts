import { describe, expect, test } from '@jest/globals';
import { changeText, masked } from '../../../../src/compose/plan/attribute-values.ts';

const changed = (path: string) => ({ path, how: 'changed' as const });
const made = (config: object, host: object = {}) => ({ config, host });

describe('the change of an attribute', () => {
  test('says what it was and what it will be', () => {
    expect(changeText(changed('image'), made({ Image: 'nginx:1.27' }), made({ Image: 'nginx:1.28' }))).toBe(
      'image nginx:1.27 -> nginx:1.28',
    );
    const ports = (HostPort: string) => made({}, { PortBindings: { '80/tcp': [{ HostIp: '', HostPort }] } });
    expect(changeText(changed('ports'), ports('8080'), ports('8081'))).toBe('ports 8080:80/tcp -> 8081:80/tcp');
    expect(changeText(changed('user'), made({}), made({ User: 'web' }))).toBe('user (none) -> web');
  });

  test('shows no value of the environment, whatever it is', () => {
    const before = made({ Env: ['TOKEN=one'] });
    expect(changeText(changed('environment.TOKEN'), before, made({ Env: ['TOKEN=two'] }))).toBe(
      'environment.TOKEN changed',
    );
  });

  test('strikes secrets out of commands and labels', () => {
    const words = ['serve', '--db-password', 'hunter2', '--url=https://me:hunter2@host/', 'API_KEY=hunter2'];
    expect(masked(words).join(' ')).not.toContain('hunter2');
    expect(
      changeText(changed('labels.auth-token'), made({ Labels: {} }), made({ Labels: { 'auth-token': 'hunter2' } })),
    ).toBe('labels.auth-token (none) -> ***');
  });
});
