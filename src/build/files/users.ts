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
    const fields = account(root, '/etc/passwd', user);
    const found = fields && { uid: number(fields[2] ?? ''), gid: number(fields[3] ?? '') };
    if (found?.uid !== undefined && found.gid !== undefined) owner = { uid: found.uid, gid: found.gid };
    else unknown.push(user);
  }
  if (group === undefined) return { ...owner, unknown };
  if (group === '') return { uid: owner.uid, gid: 0, unknown };
  const gid = given(group) ?? number(account(root, '/etc/group', group)?.[2] ?? '');
  if (gid === undefined) unknown.push(group);
  return { uid: owner.uid, gid: gid ?? owner.gid, unknown };
}

/** True where both parts are numbers, so that no account file is asked. */
export const isNumericOwner = (text: string): boolean => /^(\+?\d+)?(:(\+?\d+)?)?$/.test(text);

/** Home directory of a user in an image, as a program would find it. */
export function homeOf(root: string, user: string): string {
  const name = user.split(':', 1)[0] || 'root';
  const uid = name === 'root' ? 0 : number(name);
  const fields = uid === undefined ? account(root, '/etc/passwd', name) : accountByUid(root, uid);
  return fields?.[5] || (uid === 0 ? '/root' : '/');
}

/** A number as BuildKit reads it: signed, of 32 bits; larger ones are names. */
function given(text: string): number | undefined {
  const value = Number(text);
  return /^\+?\d+$/.test(text) && value < 2 ** 31 ? value : undefined;
}

function number(text: string): number | undefined {
  const value = Number(text);
  return /^\d{1,10}$/.test(text) && value < 0xffffffff ? value : undefined;
}

function account(root: string, file: string, name: string): string[] | undefined {
  return readAccounts(root, file).find((fields) => fields[0] === name);
}
function accountByUid(root: string, uid: number): string[] | undefined {
  return readAccounts(root, '/etc/passwd').find((fields) => number(fields[2] ?? '') === uid);
}

/** Read as a plain file of bounded size inside the root: it is the image's, so it may be anything. */
function readAccounts(root: string, file: string): string[][] {
  return (readInRoot(root, file) ?? '').split('\n').map((line) => line.split(':'));
}
