import { readGroups, readPasswd, wholeNumber } from '../common/accounts.ts';
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
 * `user[:group]` as Docker resolves it: a number is never a name; supplementary groups of the group file only where no
 * group is given, gid 0 for a number that has no entry. Throws BAD_REQUEST for an unknown name.
 */
export function resolveUser(spec: string, databases: UserDatabases, groupAdd: readonly string[] = []): ResolvedUser {
  const [, userPart = '', groupPart = ''] = /^([^:]*):?(.*)$/s.exec(spec) ?? [];
  const wanted = wholeNumber(userPart || '0');
  const entry = readPasswd(databases.passwd).find(({ name, uid }) => {
    return wanted === undefined ? name === userPart : uid === wanted;
  });
  const uid = entry?.uid ?? wanted;
  if (uid === undefined) throw unknown('user', userPart, 'passwd');
  const gid = groupPart === '' ? (entry?.gid ?? 0) : groupId(groupPart, databases);
  const supplementary = groupPart === '' && entry ? groupsOf(databases.group, entry.name) : [];
  const added = groupAdd.map((group) => groupId(group, databases));
  return {
    uid: checkedId(uid),
    gid: checkedId(gid),
    additionalGids: [...new Set([gid, ...supplementary, ...added])],
    home: entry?.home ?? '/',
  };
}

/** The same for a step of a build: as BuildKit has it, only `UID:GID` and no user at all need no account files. */
export function resolveStepUser(
  spec: string,
  { passwd, group }: { readonly passwd: string | undefined; readonly group: string | undefined },
): ResolvedUser {
  if (spec !== '' && !/^\d+:\d+$/.test(spec)) {
    if (passwd === undefined) throw withoutFile(`unable to find user ${spec}`, 'passwd');
    const isListed = () => {
      const wanted = wholeNumber(spec);
      return readPasswd(passwd).some(({ name, uid }) => (wanted === undefined ? name === spec : uid === wanted));
    };
    if (group === undefined && (/:./.test(spec) || isListed())) {
      throw withoutFile(`unable to find groups for ${spec}`, 'group');
    }
  }
  return resolveUser(spec, { passwd: passwd ?? '', group: group ?? '' });
}

function withoutFile(what: string, file: string): IechorError {
  return new IechorError('BAD_REQUEST', `${what}: the image has no /etc/${file}`, {
    hint: 'name user and group by their numbers, such as 1000:1000, or create them in the image',
  });
}

const largestId = 0x7fffffff;

function groupId(group: string, databases: UserDatabases): number {
  const wanted = wholeNumber(group);
  const groups = readGroups(databases.group);
  const id = wanted ?? groups.find(({ name }) => name === group)?.gid;
  if (id === undefined) throw unknown('group', group, 'group');
  return checkedId(id);
}

function groupsOf(database: string, user: string): number[] {
  return readGroups(database).flatMap(({ gid, members }) => (members.includes(user) ? [gid] : []));
}

function checkedId(value: number): number {
  if (value >= 0 && value <= largestId) return value;
  throw new IechorError('BAD_REQUEST', `uids and gids must be in range 0-${largestId}`);
}

function unknown(kind: string, name: string, file: string): IechorError {
  return new IechorError('BAD_REQUEST', `unable to find ${kind} ${name}: no matching entries in ${file} file`, {
    hint: `the image's /etc/${file} has no such ${kind}; use a number or create it in the image`,
  });
}
