import { readGroups, readPasswd, wholeNumber } from '../../common/accounts.ts';
import { readInRoot } from '../../host/rooted.ts';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Owner that `user[:group]` names, by number or by the image's own account files. As with Docker, a number alone is
 * the group too, and a name that is not there stands for root; `unknown` lists such names.
 */
export function findOwner(root: string, text: string): Owner & { readonly unknown: readonly string[] } {
  const colon = text.indexOf(':');
  const user = colon < 0 ? text : text.slice(0, colon);
  const group = colon < 0 ? undefined : text.slice(colon + 1);
  const unknown: string[] = [];
  let owner: Owner = { uid: 0, gid: 0 };
  const uid = given(user);
  if (uid !== undefined) owner = { uid, gid: uid };
  else if (user !== '') {
    const found = accountsOf(root).find(({ name }) => name === user);
    if (found) owner = { uid: found.uid, gid: found.gid };
    else unknown.push(user);
  }
  if (group === undefined) return { ...owner, unknown };
  if (group === '') return { uid: owner.uid, gid: 0, unknown };
  const groups = () => readGroups(readInRoot(root, '/etc/group') ?? '');
  const gid = given(group) ?? groups().find(({ name }) => name === group)?.gid;
  if (gid === undefined) unknown.push(group);
  return { uid: owner.uid, gid: gid ?? owner.gid, unknown };
}

/** True where both parts are numbers, so that no account file is asked. */
export const isNumericOwner = (text: string): boolean => /^(\+?\d+)?(:(\+?\d+)?)?$/.test(text);

/** Home directory of a user in an image: that of the first account with the user's number, as runc finds it. */
export function homeOf(root: string, user: string): string {
  const wanted = user.split(':', 1)[0] || '0';
  const accounts = accountsOf(root);
  const uid = wholeNumber(wanted) ?? accounts.find(({ name }) => name === wanted)?.uid;
  return accounts.find((account) => account.uid === uid)?.home ?? '/';
}

/** A number as BuildKit reads it: signed, of 32 bits; larger ones are names. */
function given(text: string): number | undefined {
  const value = Number(text);
  return /^\+?\d+$/.test(text) && value < 2 ** 31 ? value : undefined;
}

/** Read as a plain file of bounded size inside the root: it is the image's, so it may be anything. */
const accountsOf = (root: string) => readPasswd(readInRoot(root, '/etc/passwd') ?? '');
