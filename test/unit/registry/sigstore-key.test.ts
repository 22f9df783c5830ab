import { expect, test } from '@jest/globals';
import { parseReference } from '../../../src/image/reference.ts';
import { payloadOf, signPayload } from '../../../src/registry/signatures.ts';
import { flawOf } from '../../../src/registry/trust-policy.ts';

/** Of `cosign generate-key-pair`, made for this test. */
const passphrase = 'geheim';
const sealed = `-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwiciI6
OCwicCI6MX0sInNhbHQiOiJsdDhsaFp6blFDUEUxQUlpOGdjY3VJUjR0akwvK1RD
cVhPYmRZS0MrNnBrPSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94
Iiwibm9uY2UiOiJhM3MvenBDbE9OVG9UdDI5WGpIRUtMcEhBQko0cE44diJ9LCJj
aXBoZXJ0ZXh0IjoiVlB6ZHJvNTk3Rjc0V1V1L053ejJhKzdmb2duUThiN2tOWnQz
ay9rYTN1NzE2aytIbFFPWEcvWG9HbFJxcm43UWVtRnhOa0ViMk0yNXpmc05Sckg3
aDZieGE1VC90YmZsQzYwZTRZTmNVZTBNbjR4Yk50M2lUYmJMVWttcXlQdmtUU2FV
QnhYTy94eUZNallPWDhvVThBUVExSncrZ3dzQmVtY1JDOW9CVm5yYUszUkJ2dXli
bm5xYTZ1U09OeStPb0FqVHFGREg4SW5jWGc9PSJ9
-----END ENCRYPTED SIGSTORE PRIVATE KEY-----
`;
const open = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEoAmxbnU1hyjHss2pVCCreffMesLI
b4XqObiyBO7160eRyz1ueZFm3Mpv+K4FD6YOKeuRyJGavHtNNL27bqNJLQ==
-----END PUBLIC KEY-----
`;

test('a private key that cosign made signs, with its passphrase alone', () => {
  const digest = `sha256:${'a'.repeat(64)}` as const;
  const reference = parseReference('registry.example/team/web:1');
  const payload = payloadOf(reference, digest);
  expect(flawOf(signPayload(payload, sealed, passphrase), { reference, digest, key: open })).toBeUndefined();
  for (const wrong of ['another', undefined]) {
    expect(() => signPayload(payload, sealed, wrong)).toThrow(expect.objectContaining({ code: 'BAD_REQUEST' }));
  }
});
