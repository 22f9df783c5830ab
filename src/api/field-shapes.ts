import type { ApiOperation, RequestOf } from './route.ts';
import type { routes } from './routes.ts';
import type { ShapeOf } from './shape.ts';

/** Names of the fields of an operation that travel as JSON in the query. */
type JsonFieldsOf<Op extends ApiOperation> = {
  [F in keyof (typeof routes)[Op]['fields']]: (typeof routes)[Op]['fields'][F] extends 'json' ? F : never;
}[keyof (typeof routes)[Op]['fields']];

type Shapes = {
  readonly [Op in ApiOperation as [JsonFieldsOf<Op>] extends [never] ? never : Op]: {
    readonly [F in JsonFieldsOf<Op>]: F extends keyof RequestOf<Op> ? ShapeOf<NonNullable<RequestOf<Op>[F]>> : never;
  };
};

const texts = { '*': 'string' } as const;
const strings = ['string'] as const;
const platform = { platform: 'object' } as const;
const directory = { directory: 'string', device: 'string', inode: 'string', boot: 'string' } as const;
const caches = [{ type: 'string', attrs: texts, directory }] as const;
const annotations = { manifest: texts, index: texts, 'manifest-descriptor': texts } as const;
const packing = { compression: 'string', 'compression-level': 'string', 'force-compression': 'string' } as const;

/** Shapes of what travels as JSON in the query: what does not fit is refused like a body. */
export const fieldShapes = {
  imageInspect: platform,
  imageHistory: platform,
  imagePush: { ...platform, annotations, packing },
  imagesGet: { ...platform, layout: { ...packing, annotations } },
  imagesLoad: platform,
  imageBuild: {
    cachefrom: strings,
    cacheimports: caches,
    cacheexports: caches,
    attestations: { '*': texts },
    buildargs: { '*': 'nullable' },
    labels: texts,
    nocachestages: strings,
    localcontext: directory,
    buildcontexts: { '*': { image: 'string', path: 'string', remote: 'string' } },
    ssh: texts,
    ulimits: [{ Name: 'string', Soft: 'number', Hard: 'number' }],
  },
  volumeClone: { labels: texts },
} as const satisfies Shapes;
