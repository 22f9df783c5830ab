import { IechorError } from '../common/error.ts';

export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly home: string;
}

/** The image's own databases, as text; empty where it has none. */
export interface UserDatabases {
  readonly passwd: string;
  readonly group: string;
}

/**
 * `user[:group]` by name or number, as Docker resolves it: supplementary groups of the group file only where no
 * group is given, gid 0 for a number that has no entry. Throws BAD_REQUEST for an unknown name.
 */
export function resolveUser(spec: string, databases: UserDatabases, groupAdd: readonly string[] = []): ResolvedUser {
  const [, userPart = '', groupPart = ''] = /^([^:]*):?(.*)$/s.exec(spec) ?? [];
  const entry = findEntry(databases.passwd, userPart || '0', 2);
  const uid = entry ? number(entry[2]) : numeric(userPart || '0');
  if (uid === undefined) throw unknown('user', userPart, 'passwd');
  const gid = groupPart === '' ? (entry ? number(entry[3]) : 0) : groupId(groupPart, databases);
  const name = entry?.[0];
  const supplementary = groupPart === '' && name !== undefined ? groupsOf(databases.group, name) : [];
  const added = groupAdd.map((group) => groupId(group, databases));
  return {
    uid,
    gid: gid ?? 0,
    additionalGids: [...new Set([gid ?? 0, ...supplementary, ...added])],
    home: entry?.[5] || '/',
  };
}

const largestId = 0x7fffffff;

function groupId(group: string, databases: UserDatabases): number {
  const id = number(findEntry(databases.group, group, 2)?.[2]) ?? numeric(group);
  if (id === undefined) throw unknown('group', group, 'group');
  return id;
}

/** Entry by name, else by number. */
function findEntry(database: string, wanted: string, idField: number): string[] | undefined {
  const entries = database.split('\n').map((line) => line.split(':'));
  return entries.find(([name]) => name === wanted) ?? entries.find((fields) => fields[idField] === canonical(wanted));
}

/** A number without leading zeros. */
const canonical = (text: string): string => text.replace(/^0+(?=\d+$)/, '');

function groupsOf(database: string, user: string): number[] {
  return database
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([, , , members]) => members?.split(',').includes(user))
    .flatMap(([, , id]) => number(id) ?? []);
}

function number(text: string | undefined): number | undefined {
  return text === undefined ? undefined : numeric(text);
}

function numeric(text: string): number | undefined {
  if (!/^-?\d+$/.test(text)) return undefined;
  const value = Number(text);
  if (value >= 0 && value <= largestId) return value;
  throw new IechorError('BAD_REQUEST', `uids and gids must be in range 0-${largestId}`);
}

function unknown(kind: string, name: string, file: string): IechorError {
  return new IechorError('BAD_REQUEST', `unable to find ${kind} ${name}: no matching entries in ${file} file`, {
    hint: `the image's /etc/${file} has no such ${kind}; use a number or create it in the image`,
  });
}
