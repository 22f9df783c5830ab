import { describe, expect, test } from '@jest/globals';
import { applyChanges } from '../../../src/image/changes.ts';

describe('changes', () => {
  test('each instruction changes the config as in an iEchorfile', () => {
    const config = applyChanges({ Env: ['A=0', 'KEEP=1'], WorkingDir: '/srv' }, [
      'CMD echo "$HOME"',
      'ENTRYPOINT ["/init", "x"]',
      'env A=1 B="two words" C=\\ d',
      'ENV OLD some value',
      'EXPOSE 80 53/UDP',
      'LABEL a="b c" d=',
      'ONBUILD RUN x',
      'STOPSIGNAL SIGINT',
      'USER app',
      'VOLUME ["/data", "/log"]',
      'WORKDIR app',
      'HEALTHCHECK --interval=1m30s --timeout=500ms --retries=3 CMD curl -f http://localhost',
    ]);
    expect(config).toEqual({
      Cmd: ['/bin/sh', '-c', 'echo "$HOME"'],
      Entrypoint: ['/init', 'x'],
      Env: ['A=1', 'KEEP=1', 'B=two words', 'C= d', 'OLD=some value'],
      ExposedPorts: { '80/tcp': {}, '53/udp': {} },
      Labels: { a: 'b c', d: '' },
      OnBuild: ['RUN x'],
      StopSignal: 'SIGINT',
      User: 'app',
      Volumes: { '/data': {}, '/log': {} },
      WorkingDir: '/srv/app',
      Healthcheck: {
        Test: ['CMD-SHELL', 'curl -f http://localhost'],
        Interval: 90e9,
        Timeout: 500e6,
        Retries: 3,
      },
    });
  });

  test('one text may hold several, a line each, with comments and lines that go on', () => {
    const changes = ['ENV A=1\n# none\n\nLABEL b=2 \\\n  c=3\nCMD ["x"]', '', 'ENV D=4'];
    expect(applyChanges({}, changes)).toEqual({ Env: ['A=1', 'D=4'], Labels: { b: '2', c: '3' }, Cmd: ['x'] });
  });

  test.each([
    '',
    '# x',
    'RUN x',
    'toString x',
    'CMD',
    'EXPOSE 70000',
    'EXPOSE x',
    'LABEL a',
    'HEALTHCHECK x',
    'HEALTHCHECK --no=1 CMD x',
  ])('%j is refused', (line) => {
    expect(() => applyChanges({}, [line])).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }));
  });
});
