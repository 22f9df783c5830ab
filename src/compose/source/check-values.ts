import { isIP } from 'node:net';
import { get, isMap, isNull, type Node, stringOf } from './node.ts';
import { keyPlacesOf, type Path, pathText, placesOf, type Report } from './report.ts';
import type { CheckRule, Spec } from './spec.ts';
import { eachChild } from './walk.ts';

type Rule = (node: Node, path: Path, report: Report) => void;

/** Checks that a type alone cannot express, on the canonical form of one scope. */
export function checkValues(node: Node, spec: Spec, path: Path, report: Report): void {
  if (spec.check) rules[spec.check](node, path, report);
  eachChild(node, spec, path, (child, below, where) => {
    checkValues(child, below, where, report);
    return undefined;
  });
}

const oneSource =
  (...names: readonly string[]): Rule =>
  (node, path, report) => {
    if (!isMap(node)) return;
    const given = names.flatMap((name) => node.entries.get(name) ?? []);
    const list = names.join('|');
    if (given.length > 1) {
      report.error({
        code: 'COMPOSE_CONFLICT',
        path,
        message: `${list} attributes are mutually exclusive`,
        hint: 'keep one',
        at: given.flatMap(keyPlacesOf),
      });
    } else if (given.length === 0 && !node.entries.has('driver') && !node.entries.has('external')) {
      report.error({ code: 'COMPOSE_VALUE', path, message: `one of ${list} must be set`, at: placesOf(node) });
    }
  };

const rules: Readonly<Record<CheckRule, Rule>> = {
  externalVolume(node, path, report) {
    const external = get(node, 'external');
    if (!isMap(node) || external?.kind !== 'scalar' || external.value !== true) return;
    for (const [key, value] of node.entries) {
      if (key === 'name' || key === 'external' || key.startsWith('x-')) continue;
      const message = `conflicting parameters "external" and "${key}" specified`;
      report.error({
        code: 'COMPOSE_CONFLICT',
        path,
        message,
        hint: 'an external volume is made elsewhere: keep its name only',
        at: [...keyPlacesOf(value), external.at],
      });
    }
  },
  configSource: oneSource('file', 'environment', 'content'),
  secretSource: oneSource('file', 'environment'),
  hostIp(node, path, report) {
    const address = get(node, 'host_ip');
    const text = stringOf(address);
    if (address && text !== undefined && isIP(text) === 0) {
      report.error({ code: 'COMPOSE_VALUE', path, message: `invalid ip address: ${text}`, at: placesOf(address) });
    }
  },
  notBlank(node, path, report) {
    if (stringOf(node) === '')
      report.error({ code: 'COMPOSE_VALUE', path, message: "value can't be blank", at: placesOf(node) });
  },
  deviceRequest(node, path, report) {
    const count = get(node, 'count');
    const ids = get(node, 'device_ids');
    if (!count || !ids || isNull(ids)) return;
    const message = `${pathText(path)}: "count" and "device_ids" attributes are exclusive`;
    report.error({ code: 'COMPOSE_CONFLICT', path, message, at: [...keyPlacesOf(count), ...keyPlacesOf(ids)] });
  },
};
