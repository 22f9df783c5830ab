import { expect, test } from '@jest/globals';
import { messageOf } from '../../../../src/common/error.ts';
import type { ContainerRecord } from '../../../../src/engine/container-record.ts';
import { detailsOf } from '../../../../src/engine/logging/log-attributes.ts';
import { logLimits, mergeLogConfig } from '../../../../src/engine/logging/log-config.ts';
import { checkLogConfig } from '../../../../src/engine/logging/log-options.ts';
import { renderTag } from '../../../../src/engine/logging/log-tag.ts';
import { syslogOptions } from '../../../../src/engine/logging/syslog-options.ts';

const refusal = (Type: string, Config: Record<string, string>): string => {
  try {
    checkLogConfig({ LogConfig: { Type, Config } });
    logLimits({ LogConfig: { Type, Config } });
    return '';
  } catch (error) {
    return messageOf(error);
  }
};

test.each([
  ['nosuch', {}, 'error looking up logging plugin nosuch: plugin "nosuch" not found'],
  ['json-file', { foo: '1' }, "unknown log opt 'foo' for json-file log driver"],
  ['local', { labels: 'a' }, "unknown log opt 'labels' for log driver local"],
  ['syslog', { 'max-size': '1m' }, "unknown log opt 'max-size' for syslog log driver"],
  ['journald', { 'syslog-facility': 'x' }, "unknown log opt 'syslog-facility' for journald log driver"],
  ['json-file', { mode: 'bad' }, 'logger: logging mode not supported: bad'],
  [
    'json-file',
    { 'max-buffer-size': '1m' },
    "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
  ],
  [
    'json-file',
    { mode: 'non-blocking', 'max-buffer-size': 'x' },
    "error parsing option max-buffer-size: invalid size: 'x'",
  ],
  ['syslog', { 'cache-disabled': 'x' }, 'invalid value for option cache-disabled: x'],
  ['syslog', { 'syslog-address': 'http://x' }, "unsupported scheme: 'http'"],
  ['syslog', { 'syslog-address': 'unix:///nope' }, 'stat /nope: no such file or directory'],
  ['syslog', { 'syslog-facility': 'nope' }, 'invalid syslog facility'],
  ['syslog', { 'syslog-format': 'nope' }, 'Invalid syslog format'],
  ['json-file', { 'max-size': 'big' }, "failed to initialize logging driver: invalid size: 'big'"],
  ['json-file', { 'max-file': '0' }, 'failed to initialize logging driver: max-file cannot be less than 1'],
  [
    'json-file',
    { compress: 'x' },
    'failed to initialize logging driver: strconv.ParseBool: parsing "x": invalid syntax',
  ],
  [
    'json-file',
    { compress: 'true', 'max-file': '1' },
    'failed to initialize logging driver: compress cannot be true when max-file is less than 2 or max-size is not set',
  ],
  ['json-file', { 'env-regex': '(' }, 'failed to initialize logging driver: env-regex: error parsing regexp: `(`'],
])('%s %j is refused in Docker’s words', (driver, options, message) => {
  expect(refusal(driver, options as Record<string, string>)).toBe(message);
});

test('a pattern that may take for ever, and a tag of a field that no container has, are refused', () => {
  expect(refusal('json-file', { 'labels-regex': '(a+)+$' })).toContain('repeats what repeats');
  expect(refusal('json-file', { tag: '{{.Nope}}' })).toContain("can't evaluate field Nope in type *logger.Info");
  expect(refusal('syslog', { tag: '{{.Name' })).toContain('unclosed action');
});

test('limits are those of the driver where no option says otherwise, and of the local copy for what goes elsewhere', () => {
  const limits = (Type: string, Config: Record<string, string> = {}) => logLimits({ LogConfig: { Type, Config } });
  expect(limits('json-file')).toEqual({ sizeBytes: 10 * 1024 ** 2, files: 3, compress: false });
  expect(limits('local')).toEqual({ sizeBytes: 20 * 1024 ** 2, files: 5, compress: true });
  expect(limits('json-file', { 'max-size': '1.5m', 'max-file': '2', compress: 'true' })).toEqual({
    sizeBytes: 1572864,
    files: 2,
    compress: true,
  });
  expect(limits('syslog', { 'cache-max-size': '1m', 'cache-max-file': '1', 'cache-compress': 'false' })).toEqual({
    sizeBytes: 1024 ** 2,
    files: 1,
    compress: false,
  });
});

test('the daemon’s options are filled in for its own driver alone', () => {
  const daemon = { Type: 'local', Config: { 'max-size': '1m', 'max-file': '2' } };
  expect(mergeLogConfig(undefined, daemon)).toEqual(daemon);
  expect(mergeLogConfig({ Config: { 'max-file': '9' } }, daemon)).toEqual({
    Type: 'local',
    Config: { 'max-size': '1m', 'max-file': '9' },
  });
  expect(mergeLogConfig({ Type: 'syslog', Config: null }, daemon)).toEqual({ Type: 'syslog', Config: {} });
});

const record = {
  ...{ id: '3efbe5b999f1c33afcde84a5578b0b6bb5209c5c43ae4ca359eaa669e5846c81', name: 'web', image: 'sha256:166e6aa' },
  ...{ imageName: 'busybox', path: 'echo', args: ['hi'], env: ['X=é', 'XY=2', 'OTHER=3'] },
  config: { Labels: { a: '1', b: 'x y,z', other: '2' } },
  body: {
    HostConfig: { LogConfig: { Type: 'json-file', Config: { labels: 'a,b', 'env-regex': '^X', tag: '{{.Name}}' } } },
  },
} as unknown as ContainerRecord;

test('a tag has the fields of the container, as Docker’s', () => {
  expect(renderTag('{{.Name}}/{{.ImageName}}/{{ .ID }}/{{.ImageID}}/{{upper .Command}}', record)).toBe(
    'web/busybox/3efbe5b999f1/sha256:166e6/ECHO HI',
  );
  expect(renderTag('{{index .ContainerLabels "b"}}', record)).toBe('x y,z');
});

test('details are the chosen labels, variables and tag, by name and escaped as Docker does', () => {
  expect(detailsOf(record)).toBe('X=%C3%A9,XY=2,a=1,b=x+y%2Cz,tag=web');
});

test('addresses of syslog have Docker’s port and host where they name none', () => {
  const target = (address: string) => syslogOptions({ 'syslog-address': address }).target;
  expect(target('udp://10.0.0.1')).toEqual({ kind: 'udp', host: '10.0.0.1', port: 514 });
  expect(target('tcp://[::1]:1514')).toEqual({ kind: 'tcp', host: '::1', port: 1514 });
  expect(target('tcp+tls://logs:6514')).toMatchObject({ kind: 'tls', host: 'logs', port: 6514 });
  expect(syslogOptions({ 'syslog-facility': 'local3' })).toMatchObject({ target: { kind: 'local' }, facility: 19 });
});
