import { expect, test } from '@jest/globals';
import type { EventMessage } from '../../../src/api/types/system.ts';
import type { EngineContext } from '../../../src/engine/context.ts';
import { createEvents, systemEvents } from '../../../src/engine/events.ts';

const publish = (hub: ReturnType<typeof createEvents>, action: string, attributes: Record<string, string> = {}) =>
  hub.publish({ type: 'container', action, id: 'f00', attributes: { name: 'web', image: 'app:1', ...attributes } });
const contextOf = (events: ReturnType<typeof createEvents>) => ({ events }) as unknown as EngineContext;
async function actions(items: AsyncIterable<EventMessage>): Promise<string[]> {
  const all: string[] = [];
  for await (const { Action } of items) all.push(Action);
  return all;
}

test('past events come in order, and an end in the past ends the stream', async () => {
  const hub = createEvents();
  for (const action of ['create', 'start', 'die']) publish(hub, action);
  const until = String(Date.now() / 1000 + 0.05);
  expect(await actions(systemEvents(contextOf(hub), { since: '1', until }))).toEqual(['create', 'start', 'die']);
});

test('filters: labels are and-ed, others or-ed, an action also matches with its detail', async () => {
  const hub = createEvents();
  publish(hub, 'health_status: healthy', { tier: 'a', zone: 'b' });
  publish(hub, 'start', { tier: 'a' });
  hub.publish({ type: 'network', action: 'connect', id: 'n1', attributes: { name: 'net' } });
  const select = (filters: Record<string, string[]>) =>
    actions(systemEvents(contextOf(hub), { since: '1', until: String(Date.now() / 1000 + 0.02), filters }));
  expect(await select({ event: ['health_status', 'connect'] })).toEqual(['health_status: healthy', 'connect']);
  expect(await select({ label: ['tier=a', 'zone'] })).toEqual(['health_status: healthy']);
  expect(await select({ type: ['network'] })).toEqual(['connect']);
  expect(await select({ container: ['web'], event: ['start'] })).toEqual(['start']);
  expect(await select({ label: ['constructor'] })).toEqual([]);
  expect(() => systemEvents(contextOf(hub), { filters: { colour: ['red'] } })).toThrow('invalid filter');
});

test('a reader that stops is told how many events it has missed; the publisher never waits', async () => {
  const hub = createEvents();
  const controller = new AbortController();
  const reader = hub.subscribe({ signal: controller.signal });
  for (let count = 0; count < 5000; count += 1) publish(hub, String(count));
  const [first, second] = await (async () => {
    const some: EventMessage[] = [];
    for await (const message of reader) if (some.push(message) === 2) return some;
    return some;
  })();
  expect(first).toMatchObject({ Action: 'events-lost', Actor: { Attributes: { count: '2952' } } });
  expect(second?.Action).toBe('2952');
});
