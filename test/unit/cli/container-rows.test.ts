import { expect, test } from '@jest/globals';
import { portsText } from '../../../src/cli/container-rows.ts';

const inside = (PrivatePort: number, Type = 'tcp') => ({ PrivatePort, Type });
const published = (IP: string, PublicPort: number, PrivatePort = PublicPort) => ({
  ...inside(PrivatePort),
  IP,
  PublicPort,
});

test('a port that is none of the host has the number 0 there', () => {
  expect(portsText([{ IP: '0.0.0.0', PrivatePort: 80, Type: 'tcp' }])).toBe('0.0.0.0:0->80/tcp');
});

test('ports with one number on both sides are listed as ranges, for each address', () => {
  const ports = [7001, 7000, 7003].flatMap((port) => [published('::', port), published('0.0.0.0', port)]);
  expect(portsText([...ports, inside(53, 'udp'), inside(80)])).toBe(
    '0.0.0.0:7000-7001->7000-7001/tcp, [::]:7000-7001->7000-7001/tcp, 53/udp, 80/tcp, 0.0.0.0:7003->7003/tcp, [::]:7003->7003/tcp',
  );
});

test('ports with two numbers are listed one by one, after the others', () => {
  expect(portsText([published('0.0.0.0', 8081, 81), published('0.0.0.0', 8080, 80), inside(9000)])).toBe(
    '9000/tcp, 0.0.0.0:8080->80/tcp, 0.0.0.0:8081->81/tcp',
  );
});
