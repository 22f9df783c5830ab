import type { SourceSpan } from '../../common/diagnostic.ts';
import { timeOf } from '../model/time.ts';
import { formatFloat } from './number-text.ts';

/** A text that was read. `name` is what places show: an absolute path, or `-`. */
export interface SourceFile {
  readonly name: string;
  readonly text: string;
  /** The checkout that a file of a remote project belongs to; its paths must not leave it. */
  readonly root?: string;
  lineStarts?: readonly number[];
}

/** Offsets in a text; turned into lines and columns only when somebody asks. */
export interface Place {
  readonly file: SourceFile;
  readonly start: number;
  readonly end: number;
}

interface NodeBase {
  at: Place;
  /** The mapping key that holds this value. */
  key?: Place;
  /** The alias or merge key through which an anchor's value came here. */
  via?: Place;
  /** Written by nobody: it follows from what is around it. */
  implied?: true;
  /** What this value was merged over or replaced. */
  over?: Node;
}

/** Values with their places. Keys of users are safe in a Map whatever they are called. */
export type Node = MapNode | ListNode | ScalarNode;
export interface MapNode extends NodeBase {
  readonly kind: 'map';
  readonly entries: Map<string, Node>;
}
export interface ListNode extends NodeBase {
  readonly kind: 'list';
  items: Node[];
}
export type ScalarType = 'string' | 'int' | 'float' | 'bool' | 'null' | 'time';
export interface ScalarNode extends NodeBase {
  readonly kind: 'scalar';
  type: ScalarType;
  value: string | number | bigint | boolean | null;
  /** The text before interpolation, where that changed it. */
  raw?: string;
  /** Value of the variable that this text names, for a secret's or config's `environment`. */
  shellValue?: string;
}

export const mapNode = (at: Place, entries = new Map<string, Node>()): MapNode => ({ kind: 'map', at, entries });
export const listNode = (at: Place, items: Node[] = []): ListNode => ({ kind: 'list', at, items });
export function scalarNode(at: Place, value: string | number | boolean | null): ScalarNode {
  const type =
    value === null ? 'null' : typeof value === 'string' ? 'string' : typeof value === 'boolean' ? 'bool' : 'int';
  return { kind: 'scalar', at, type, value };
}

export const isMap = (node: Node | undefined): node is MapNode => node?.kind === 'map';
export const isList = (node: Node | undefined): node is ListNode => node?.kind === 'list';
export const isNull = (node: Node | undefined): boolean => node?.kind === 'scalar' && node.type === 'null';
export const isString = (node: Node | undefined): node is ScalarNode & { value: string } =>
  node?.kind === 'scalar' && node.type === 'string';
/** The text of a string node, else undefined. */
export const stringOf = (node: Node | undefined): string | undefined => (isString(node) ? node.value : undefined);
export const get = (node: Node | undefined, key: string): Node | undefined =>
  node?.kind === 'map' ? node.entries.get(key) : undefined;
export const getMap = (node: Node | undefined, key: string): MapNode | undefined => {
  const found = get(node, key);
  return isMap(found) ? found : undefined;
};
export const itemsOf = (node: Node | undefined): readonly Node[] => (node?.kind === 'list' ? node.items : []);
export const entriesOf = (node: Node | undefined): Iterable<[string, Node]> =>
  node?.kind === 'map' ? node.entries : [];

/** Text of a scalar as Compose writes it where a number or truth value stands for a string. */
export function scalarText(node: ScalarNode): string {
  if (node.type === 'null') return '';
  if (node.type === 'float') return formatFloat(Number(node.value));
  return String(node.value);
}

/** A copy that shares places but nothing that changes. */
export function cloneNode(node: Node): Node {
  if (node.kind === 'scalar') return { ...node };
  if (node.kind === 'list') return { ...node, items: node.items.map(cloneNode) };
  const entries = new Map<string, Node>();
  for (const [key, value] of node.entries) entries.set(key, cloneNode(value));
  return { ...node, entries };
}

/** Same content, wherever written. */
export function sameNode(one: Node, other: Node): boolean {
  if (one === other) return true;
  if (one.kind === 'scalar') return other.kind === 'scalar' && one.type === other.type && one.value === other.value;
  if (one.kind === 'list') {
    return (
      other.kind === 'list' &&
      one.items.length === other.items.length &&
      one.items.every((item, index) => sameNode(item, other.items[index] as Node))
    );
  }
  if (other.kind !== 'map' || one.entries.size !== other.entries.size) return false;
  for (const [key, value] of one.entries) {
    const match = other.entries.get(key);
    if (match === undefined || !sameNode(value, match)) return false;
  }
  return true;
}

/** Gives `node` the history of the value it replaces. */
export function replacing<T extends Node>(node: T, former: Node | undefined): T {
  if (former !== undefined && former !== node && node.over === undefined) node.over = former;
  if (node.key === undefined && former?.key !== undefined) node.key = former.key;
  return node;
}

/** Plain data of a node: maps without prototype. */
export function plain(node: Node): unknown {
  if (node.kind === 'scalar') return node.type === 'time' ? timeOf(String(node.value)) : node.value;
  if (node.kind === 'list') return node.items.map(plain);
  const out = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of node.entries) out[key] = plain(value);
  return out;
}

/** Line and column of a place, both from 1. */
export function spanOf(place: Place): SourceSpan {
  const starts = lineStarts(place.file);
  const [line, column] = position(starts, place.start);
  const [endLine, endColumn] = position(starts, Math.max(place.start, place.end));
  return { file: place.file.name, line, column, endLine, endColumn };
}

function position(starts: readonly number[], offset: number): [number, number] {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= offset) low = middle;
    else high = middle - 1;
  }
  return [low + 1, offset - (starts[low] as number) + 1];
}

function lineStarts(file: SourceFile): readonly number[] {
  if (file.lineStarts) return file.lineStarts;
  const starts = [0];
  for (let at = file.text.indexOf('\n'); at >= 0; at = file.text.indexOf('\n', at + 1)) starts.push(at + 1);
  file.lineStarts = starts;
  return starts;
}
