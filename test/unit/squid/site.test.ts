import t from 'tap'
import { parseSites } from '../../../squid/site.ts'

void t.test('paths and URLs, for all pools and for one', t => {
  t.strictSame(parseSites([], []), {
    sites: new Map(),
    origins: new Map(),
    problems: [],
  })
  const intra = { scheme: 'http', host: 'intra', port: '80' }
  const www = { scheme: 'https', host: 'xn--bcher-kva.example', port: '8443' }
  t.strictSame(
    parseSites(
      ['/Plone', 'intra=/', 'www=/a b/ü@x'],
      ['intra=http://intra', 'www=https://Bücher.example:8443/'],
    ),
    {
      sites: new Map([
        ['', { path: '/Plone', origin: null }],
        ['intra', { path: '', origin: intra }],
        ['www', { path: '/a%20b/%C3%BC@x', origin: www }],
      ]),
      origins: new Map([
        ['intra', intra],
        ['www', www],
      ]),
      problems: [],
    },
  )
  const origin = { scheme: 'https', host: 'a', port: '443' }
  t.strictSame(parseSites(['/P'], ['https://a']).sites.get('')?.origin, origin)
  t.strictSame(
    parseSites(['x=/P'], ['https://a']).sites.get('x')?.origin,
    origin,
  )
  t.end()
})

void t.test('what cannot be used', t => {
  for (const site of [
    'Plone',
    '',
    '/a/',
    '/a//b',
    '/a/../b',
    '/a\n',
    '/.',
    '/\ud800',
  ])
    t.match(parseSites([site], []).problems, [/^--site must be a path/], site)
  for (const url of [
    'a',
    'http://',
    'http://a/b',
    'ftp://a',
    'http://u@h',
    'http://a:99999',
  ])
    t.match(
      parseSites([], [url]).problems,
      [/^--url must be what visitors/],
      url,
    )
  t.match(parseSites(['/a', '/b', 'x=/a', 'x=/b'], []).problems, [
    /^--site must be given once for all pools, got a second one, "\/b"/,
    /^--site must be given once for pool x/,
  ])
  t.end()
})
