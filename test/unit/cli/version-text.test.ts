import { expect, test } from '@jest/globals';
import { formatValue } from '../../../src/cli/render/format.ts';
import { versionsOf, versionText } from '../../../src/cli/version-text.ts';

const server = {
  Platform: { Name: 'Community' },
  Components: [
    { Name: 'Engine', Version: '28.5.2', Details: { Experimental: 'false' } },
    { Name: 'runc', Version: '1.3.6' },
  ],
  ...{ Version: '28.5.2', ApiVersion: '1.51', MinAPIVersion: '1.24', GitCommit: '', GoVersion: 'go1.27' },
  ...{ Os: 'linux', Arch: 'arm64', KernelVersion: '6.1', BuildTime: '' },
};

test('versions of the program and of any engine are told in Docker’s form, and to its templates', () => {
  const versions = versionsOf('far', server);
  const text = versionText(versions);
  expect(text).toMatch(/^Client:\n Version: {11}\S+\n API version: {7}1\.51\n/);
  expect(text).toContain('\n Context:           far\n\nServer: Community\n Engine:\n  Version:          28.5.2\n');
  expect(text).toContain('  API version:      1.51 (minimum version 1.24)\n  Go version:       go1.27\n');
  expect(text).toMatch(/ runc:\n {2}Version: {10}1\.3\.6$/);
  const format = '{{.Client.APIVersion}} {{.Server.APIVersion}} {{(index .Server.Components 1).Name}}';
  expect(formatValue(versions, format, { strict: true })).toBe('1.51 1.51 runc');
});

test('where no engine answers the program is told alone', () => {
  const versions = versionsOf('default', undefined);
  expect(versionText(versions)).not.toContain('Server');
  expect(formatValue(versions, '{{if .Server}}there{{else}}none{{end}}', { strict: true })).toBe('none');
});
