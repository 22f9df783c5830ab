import { expect, test } from '@jest/globals';
import type { Project } from '../../../../src/compose/model/project.ts';
import { toDot } from '../../../../src/compose/graph/dot.ts';
import { toMermaid } from '../../../../src/compose/graph/mermaid.ts';
import { graphOf } from '../../../../src/compose/graph/model.ts';
import { toSvg } from '../../../../src/compose/graph/svg.ts';
import { toText } from '../../../../src/compose/graph/text.ts';

const on = (...names: string[]) =>
  Object.fromEntries(names.map((name) => [name, { condition: 'service_started', required: true }]));
const project = {
  name: 'shop',
  services: {
    web: {
      image: 'nginx',
      ports: [{ target: 80, published: '8080' }],
      networks: { front: null },
      depends_on: on('api'),
    },
    api: { build: {}, depends_on: { ...on('cache'), db: { condition: 'service_healthy', required: true } } },
    job: { image: 'x', depends_on: { db: { condition: 'service_completed_successfully', required: true } } },
    db: { image: 'a<b' },
    cache: { image: 'redis', network_mode: 'service:db' },
  },
} as unknown as Project;
const plain = { image: false, networks: false, ports: false };
const all = { image: true, networks: true, ports: true };

test('text: a tree from those that nothing depends on, repeated parts cut off', () => {
  expect(toText(graphOf(project, []), plain)).toBe(`job
└─ db (completed)
web
└─ api
   ├─ cache
   │  └─ db
   └─ db (healthy)
`);
});

test('named services bring what they depend on, and nothing else', () => {
  expect(graphOf(project, ['job']).nodes.map(({ name }) => name)).toEqual(['db', 'job']);
});

test('dot: as docker compose alpha viz writes it', () => {
  const dot = toDot(graphOf(project, ['web']), all);
  expect(dot).toContain(
    '\t"web" [style="filled" label=<<font point-size="15">web</font><font point-size="10"><br/><br/><b>Networks:</b><br/>front</font><font point-size="10"><br/><br/><b>Ports:</b><br/>8080:80 (tcp, ingress)</font><font point-size="10"><br/><br/><b>Image:</b><br/>nginx</font>>];\n',
  );
  expect(dot).toContain('\t"api" -> "db";\n');
  expect(dot).toContain('a&lt;b');
});

test('mermaid: conditions on the arrows', () => {
  const text = toMermaid(graphOf(project, ['job']), plain);
  expect(text).toBe('flowchart TD\n  s0["db"]\n  s1["job"]\n  s1 -->|completed| s0\n');
});

test('svg: a box for each service, names escaped', () => {
  const svg = toSvg(graphOf(project, []), all);
  expect(svg.match(/<rect /g)).toHaveLength(5);
  expect(svg).toContain('a&lt;b');
});
