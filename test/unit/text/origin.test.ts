import t from 'tap'
import { parseOrigin } from '../../../text/origin.ts'

void t.test('URLs without a path', t => {
  for (const [text, tls, host, port] of [
    ['http://10.0.0.1:8080', false, '10.0.0.1', 8080],
    ['http://zope1', false, 'zope1', 80],
    ['HTTPS://Www.Example.ORG/', true, 'www.example.org', 443],
    ['https://[::1]:8443', true, '::1', 8443],
    ['https://bücher.example', true, 'xn--bcher-kva.example', 443],
    ['http://BÜCHER.example:81/', false, 'xn--bcher-kva.example', 81],
    ['https://例え.テスト', true, 'xn--r8jz45g.xn--zckzah', 443],
  ] as const)
    t.strictSame(parseOrigin(text), { tls, host, port }, text)
  for (const text of [
    '',
    'www.example.org',
    'http:/x',
    'http://',
    'http://x/path',
    'http://x?y',
    'http://user@x',
    'http://x:0',
    'http://x:',
    'http://x:99999',
    'http://a b',
    'ftp://x',
  ])
    t.equal(parseOrigin(text), 'malformed', text)
  for (const text of ['http://10.0.0.011', 'http://10.1:80', 'http://0x7f.1'])
    t.equal(parseOrigin(text), 'address', text)
  t.end()
})
