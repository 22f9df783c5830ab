/** oclif's flag and argument builders, from the subpaths that load fast. */

export * as Args from '@oclif/core/args';
export * as Flags from '@oclif/core/flags';
