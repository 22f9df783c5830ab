/** One project per test folder, so that a machine without root runs what it can (see scripts/test.sh). */
export default {
  testEnvironment: 'node',
  transform: { '\\.ts$': '<rootDir>/test/support/strip-types.cjs' },
  extensionsToTreatAsEsm: ['.ts'],
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // VS Code's container client asks the editor for its enumerations.
  moduleNameMapper: { '^vscode$': '<rootDir>/test/support/vscode.cjs' },
  // What hangs fails, what is slow does not: a machine may be busy with other things.
  testTimeout: 180_000,
};
