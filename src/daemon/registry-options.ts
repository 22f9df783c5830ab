import { isIP } from 'node:net';
import { IechorError } from '../common/error.ts';
import { defaultCertificateDirs, type RegistrySettings } from '../registry/settings.ts';

/** Keys of the configuration file for registries: dockerd's names and meanings, but for the last three, which are ours. */
export interface RegistryConfig {
  'registry-mirrors'?: string[];
  'insecure-registries'?: string[];
  proxies?: { 'http-proxy'?: string; 'https-proxy'?: string; 'no-proxy'?: string };
  'max-concurrent-downloads'?: number;
  'max-concurrent-uploads'?: number;
  'max-download-attempts'?: number;
  'registry-auth-hosts'?: Record<string, string[]>;
  'registry-certificates'?: string[];
  'default-registry'?: string;
}

type Check = readonly [what: string, fits: (value: unknown) => boolean];

const isText = (value: unknown): value is string => typeof value === 'string';
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const isCount = (value: unknown): boolean => typeof value === 'number' && Number.isInteger(value) && value > 0;
const isMap = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);
const proxyKeys = ['http-proxy', 'https-proxy', 'no-proxy'];

export const registryChecks: { readonly [K in keyof RegistryConfig]-?: Check } = {
  'registry-mirrors': ['a list of addresses (https://mirror.example)', isTexts],
  'insecure-registries': ['a list of hosts and networks', isTexts],
  proxies: [
    `an object of texts: ${proxyKeys.join(', ')}`,
    (value) => isMap(value) && Object.entries(value).every(([key, text]) => proxyKeys.includes(key) && isText(text)),
  ],
  'max-concurrent-downloads': ['a number', isCount],
  'max-concurrent-uploads': ['a number', isCount],
  'max-download-attempts': ['a number', isCount],
  'registry-auth-hosts': ['lists of hosts by registry', (value) => isMap(value) && Object.values(value).every(isTexts)],
  'registry-certificates': ['a list of directories', isTexts],
  'default-registry': ['a host, with a port where it needs one', isText],
};

/** What the file says about registries. Throws DAEMON_CONFIG for addresses that are none. */
export function registryOptions(config: RegistryConfig): Partial<RegistrySettings> {
  const mirrors = config['registry-mirrors'];
  const insecure = config['insecure-registries'];
  mirrors?.forEach(checkMirror);
  insecure?.forEach(checkInsecure);
  const { proxies } = config;
  const none = (proxies?.['no-proxy'] ?? '').split(',').map((entry) => entry.trim());
  return {
    ...(mirrors && { mirrors }),
    ...(insecure && { insecure }),
    ...(proxies && {
      proxies: {
        http: proxies['http-proxy'] || undefined,
        https: proxies['https-proxy'] || undefined,
        none: none.filter((entry) => entry !== ''),
      },
    }),
    ...(config['max-concurrent-downloads'] && { maxDownloads: config['max-concurrent-downloads'] }),
    ...(config['max-concurrent-uploads'] && { maxUploads: config['max-concurrent-uploads'] }),
    ...(config['max-download-attempts'] && { maxAttempts: config['max-download-attempts'] }),
    ...(config['registry-auth-hosts'] && { authHosts: config['registry-auth-hosts'] }),
    ...(config['registry-certificates'] && {
      certificateDirs: [...config['registry-certificates'], ...defaultCertificateDirs],
    }),
  };
}

function checkMirror(address: string): void {
  const url = URL.parse(address);
  const usable = url && /^https?:$/.test(url.protocol) && url.username === '' && url.pathname === '/' && !url.search;
  if (usable) return;
  throw new IechorError('DAEMON_CONFIG', `"${address}" is no mirror`, {
    hint: 'give scheme and host alone: https://mirror.example:5000',
  });
}

function checkInsecure(entry: string): void {
  const [network = '', prefix] = entry.split('/');
  const isNetwork = prefix !== undefined && isIP(network) !== 0 && /^[0-9]{1,3}$/.test(prefix);
  if (isNetwork && Number(prefix) <= (isIP(network) === 6 ? 128 : 32)) return;
  if (prefix === undefined && /^[A-Za-z0-9.[\]:-]+$/.test(entry)) return;
  throw new IechorError('DAEMON_CONFIG', `"${entry}" is no host and no network`, {
    hint: 'give host[:port] or a network such as 10.0.0.0/8, without a scheme',
  });
}
