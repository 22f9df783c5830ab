import { expect, test } from '@jest/globals';
import { createRouter } from '../../../src/daemon/router.ts';

test('a container may be named by a link, and what a name alone can mean comes first', () => {
  const route = createRouter();
  expect(route('GET', '/v1.44/containers/web/db/json?size=1')).toMatchObject({
    op: 'containerInspect',
    pathFields: { id: 'web/db' },
  });
  expect(route('POST', '/containers/web/db/start')).toMatchObject({
    op: 'containerStart',
    pathFields: { id: 'web/db' },
  });
  expect(route('GET', '/containers/web/attach/ws')).toMatchObject({ op: 'containerAttach', pathFields: { id: 'web' } });
  expect(() => route('GET', '/containers/web/db/nothing')).toThrow();
});
