/** What a build file may be asked for in place of a build. */
export type BuildCall = 'check' | 'outline' | 'targets';
