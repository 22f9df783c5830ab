import { expect, test } from '@jest/globals';
import { flawsOf } from '../../../src/doctor/known-flaws.ts';

const ids = (version: string, debian?: string) => flawsOf('runc', version, debian).map((flaw) => flaw.id);

test('a release before the mending one has the flaw', () => expect(ids('1.1.11')).toContain('CVE-2024-21626'));
test('the mending release has it no more', () => expect(ids('1.1.12')).not.toContain('CVE-2024-21626'));
test('an older branch that was never mended has it', () => expect(ids('1.1.15')).toContain('CVE-2025-31133'));
test('each mended branch is free of it from its own release on', () => {
  expect(ids('1.2.7')).toContain('CVE-2025-31133');
  expect(ids('1.2.8')).not.toContain('CVE-2025-31133');
  expect(ids('1.3.2')).toContain('CVE-2025-31133');
  expect(ids('1.4.0-rc.3')).not.toContain('CVE-2025-31133');
  expect(ids('1.4.0')).not.toContain('CVE-2025-31133');
});
test('what the distribution has mended without a new release counts as mended', () => {
  expect(ids('1.1.5', '1.1.5+ds1-1+deb12u1')).not.toContain('CVE-2024-21626');
});
