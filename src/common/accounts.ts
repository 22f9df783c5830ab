/** An entry of /etc/passwd. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** An entry of /etc/group. */
export interface AccountGroup {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** Entries of /etc/passwd as Docker reads them: space around a line does not count, and what is no number is 0. */
export function readPasswd(text: string): Account[] {
  return fieldsOf(text).map(([name = '', , uid = '', gid = '', , home = '']) => {
    return { name, uid: wholeNumber(uid) ?? 0, gid: wholeNumber(gid) ?? 0, home };
  });
}

/** Entries of /etc/group, read in the same way. */
export function readGroups(text: string): AccountGroup[] {
  return fieldsOf(text).map(([name = '', , gid = '', members = '']) => {
    return { name, gid: wholeNumber(gid) ?? 0, members: members === '' ? [] : members.split(',') };
  });
}

/** A number with or without sign and leading zeros; undefined for anything else. */
export const wholeNumber = (text: string): number | undefined => (/^[+-]?\d+$/.test(text) ? Number(text) : undefined);

function fieldsOf(text: string): string[][] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').map((line) => line.split(':'));
}
