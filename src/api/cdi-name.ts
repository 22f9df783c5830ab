/** Names of the Container Device Interface, as clients give them and specifications have them. */
export const cdiKindPattern = /^[A-Za-z][A-Za-z0-9_.-]*[A-Za-z0-9]\/[A-Za-z][A-Za-z0-9_-]*$/;
export const cdiDevicePattern = /^[A-Za-z0-9]([A-Za-z0-9_.:-]*[A-Za-z0-9])?$/;

/** True for `vendor.com/class=name`, which is no path of the host. */
export function isCdiName(text: string): boolean {
  const at = text.indexOf('=');
  return at > 0 && cdiKindPattern.test(text.slice(0, at)) && cdiDevicePattern.test(text.slice(at + 1));
}
