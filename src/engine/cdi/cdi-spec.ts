import { cdiDevicePattern, cdiKindPattern } from '../../api/cdi-name.ts';

/** Specifications of the Container Device Interface (CNCF CDI 1.0): what a vendor's device adds to a container. */
export interface CdiSpec {
  readonly cdiVersion: string;
  /** `vendor.com/class`. */
  readonly kind: string;
  readonly devices: readonly { readonly name: string; readonly containerEdits?: CdiEdits }[];
  /** Made once, whichever of the devices is asked for. */
  readonly containerEdits?: CdiEdits;
}

export interface CdiEdits {
  readonly env?: readonly string[];
  readonly deviceNodes?: readonly CdiDeviceNode[];
  readonly mounts?: readonly CdiMount[];
  readonly hooks?: readonly CdiHook[];
  readonly additionalGids?: readonly number[];
}

export interface CdiDeviceNode {
  readonly path: string;
  /** Where the host has it; at the same path where not given. */
  readonly hostPath?: string;
  readonly type?: string;
  readonly major?: number;
  readonly minor?: number;
  readonly fileMode?: number;
  readonly permissions?: string;
  readonly uid?: number;
  readonly gid?: number;
}

export interface CdiMount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly type?: string;
  readonly options?: readonly string[];
}

export interface CdiHook {
  readonly hookName: string;
  readonly path: string;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  readonly timeout?: number;
}

type Check = (value: unknown) => string | undefined;
type Shape = Readonly<Record<string, readonly [check: Check, required?: 'required']>>;

const text: Check = (value) => (typeof value === 'string' && value !== '' ? undefined : 'is no text');
const absolute: Check = (value) =>
  typeof value === 'string' && value.startsWith('/') ? undefined : 'is no absolute path';
const number: Check = (value) => (Number.isSafeInteger(value) ? undefined : 'is no whole number');
const map: Check = (value) => (isObject(value) ? undefined : 'is no mapping');
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) ? value.map(check).find((fault) => fault !== undefined) : 'is no list';
const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.includes(String(value)) ? undefined : `is none of ${values.join(', ')}`;
const matching =
  (pattern: RegExp): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value) ? undefined : 'is not well formed';

const hookNames = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'];

const edits: Check = shaped({
  env: [listOf(matching(/^[^=\0]+=[^\0]*$/))],
  deviceNodes: [
    listOf(
      shaped({
        ...{ path: [absolute, 'required'], hostPath: [absolute], type: [oneOf('b', 'c', 'u', 'p', '')] },
        ...{ major: [number], minor: [number], fileMode: [number], uid: [number], gid: [number] },
        permissions: [matching(/^[rwm]{0,3}$/)],
      }),
    ),
  ],
  mounts: [
    listOf(
      shaped({
        hostPath: [text, 'required'],
        containerPath: [absolute, 'required'],
        type: [text],
        options: [listOf(text)],
      }),
    ),
  ],
  hooks: [
    listOf(
      shaped({
        ...{ hookName: [oneOf(...hookNames), 'required'], path: [absolute, 'required'], timeout: [number] },
        ...{ args: [listOf((value) => (typeof value === 'string' ? undefined : 'is no text'))], env: [listOf(text)] },
      }),
    ),
  ],
  additionalGids: [listOf(number)],
});

const spec: Check = shaped({
  cdiVersion: [matching(/^v?(0\.[2-9]|1)\.\d+$/), 'required'],
  kind: [matching(cdiKindPattern), 'required'],
  annotations: [map],
  devices: [
    listOf(shaped({ name: [matching(cdiDevicePattern), 'required'], annotations: [map], containerEdits: [edits] })),
    'required',
  ],
  containerEdits: [edits],
});

/** A document as a specification, or what is wrong with it. A field it does not know may be one that must have effect. */
export function checkCdiSpec(document: unknown): { readonly spec: CdiSpec } | { readonly fault: string } {
  const fault = spec(document);
  return fault === undefined ? { spec: document as CdiSpec } : { fault };
}

function shaped(shape: Shape): Check {
  return (value) => {
    if (!isObject(value)) return 'is no mapping';
    for (const [name, [check, required]] of Object.entries(shape)) {
      const own = value[name];
      const fault = own === undefined || own === null ? required && 'is missing' : check(own);
      if (fault) return `${name} ${fault}`;
    }
    const unknown = Object.keys(value).find((name) => !Object.hasOwn(shape, name));
    return unknown === undefined ? undefined : `${unknown} is not supported`;
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
