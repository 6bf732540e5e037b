import t from 'tap'
import { fileSchema, knownKeys } from '../../../config/schema.ts'

/** The messages about one file, without the way to each key. */
function messagesOf(file: unknown): string[] {
  return (fileSchema.safeParse(file).error?.issues ?? []).map(
    ({ message }) => message,
  )
}

const backends = { zope1: 'http://h:1' }

function ofProbe(probe: unknown): string[] {
  return messagesOf({ backends, probe })
}

function probeOf(probe: unknown): unknown {
  return fileSchema.parse({ backends, probe }).probe
}

const rules = {
  path: 'must be a path: "/", then printable characters without space or "#"',
  host: 'must be a host name, with a port if needed, such as www.example.org',
  status:
    'must be status codes from 100 to 599 that pass, like 200-399 or "200, 301-303"',
  body: 'must be a text that the body holds, or a pattern between slashes like /OK|ready/',
  unsupported:
    'must be a pattern that matches in linear time: without lookahead, lookbehind and back references, and with at most 1000 repeats',
  tooLarge: 'must be a simpler pattern, with fewer repeats such as {0,100}',
  ask: 'must be a mapping with port, send, expect',
  send: 'must be one line of text without control characters',
  expect:
    'must be a text that a line of the answer holds, or a pattern between slashes like /^OK$/',
  command:
    'must be a list: the absolute path of a program, then its arguments, such as [/usr/local/bin/check-zope, quick]',
  argument: 'must be a text without NUL, in quotes if it looks like a number',
  window:
    'must be FAILURES/OF, FAILURES from 1 to OF, OF at most 64 (3/10), or 0/0 for off',
  heartbeat:
    'must be auto, off, or { interval: 250ms, timeout: 500ms } (50ms and 10ms at least, 1m at most)',
  url: 'must be http://HOST:PORT or https://HOST:PORT, PORT from 1 to 65535, without user, path or query',
  address: 'must have its IPv4 address as four numbers without leading zeros',
  directory: 'must be an absolute path without control characters',
}

function duration(min: string, max: string): string {
  return `must be a duration from ${min} to ${max}, written like 250ms, 2s, 5m or 1h`
}

function integer(min: number, max: number): string {
  return `must be a whole number from ${min} to ${max}`
}

void t.test('each probe setting has its limits and says them', t => {
  for (const [key, bad, rule] of [
    ['tcp', ['yes', 1, null], 'must be true or false'],
    ['ask', ['health_ok', 8180, null], rules.ask],
    ['command', ['/bin/true', [], ['true'], ['/'], [5]], rules.command],
    [
      'command',
      [
        ['/bin/true', 5],
        ['/bin/true', 'a\0'],
      ],
      rules.argument,
    ],
    ['path', ['@@ok', '/a b', '/a#b', '/ü', '', 5], rules.path],
    ['method', ['POST', 'get'], 'must be GET or HEAD'],
    ['host', ['a b', '', 'http://h/', 5], rules.host],
    ['interval', ['99ms', '61m', '5', 5, null], duration('100ms', '1h')],
    ['fastInterval', ['49ms', '61m'], duration('50ms', '1h')],
    ['downInterval', ['99ms', '61m'], duration('100ms', '1h')],
    ['slow', ['0ms', '61m'], duration('1ms', '1h')],
    ['timeout', ['9ms', '11m'], duration('10ms', '10m')],
    ['connectTimeout', ['9ms', '11m'], duration('10ms', '10m')],
    ['firstByteTimeout', ['9ms', '11m'], duration('10ms', '10m')],
    ['rise', [0, 101, 1.5, '2', null], integer(1, 100)],
    ['fall', [0, 101, 1.5, '3'], integer(1, 100)],
    ['status', [99, 600, '', '200-', '300-200', '2xx', true], rules.status],
    ['body', ['', '/(/', 5], rules.body],
    ['body', ['/^(?!.*Error)/', '/(a)\\1/'], rules.unsupported],
    ['body', ['/a{1000}/'], rules.tooLarge],
    ['maxBody', [0, 1_048_577], integer(1, 1_048_576)],
    ['verify', ['yes', 1], 'must be true or false'],
    [
      'ca',
      ['ca.pem', 5, '/a b', '/a"', '/%d'],
      'must be the absolute path of a file of PEM certificates, such as /etc/ssl/certs/our-ca.pem, without spaces, quotes, "%" and "\\"',
    ],
    ['dropConnections', ['yes', 1], 'must be true, false or auto'],
    ['window', ['10/3', '0/3', '3/65', '3', 0, '1/100'], rules.window],
    ['slowStart', ['61m', 30], duration('0s', '1h')],
    ['heartbeat', ['on', true, { interval: '49ms' }, 5], rules.heartbeat],
    ['busyTimeout', ['999ms', '25h'], duration('1s', '24h')],
    [
      'deep',
      ['/@@probe', null],
      'must be a mapping with path, interval, timeout, maxLag',
    ],
  ] as const)
    for (const value of bad)
      t.strictSame(
        ofProbe({ [key]: value }),
        [rule],
        `${key} ${JSON.stringify(value)}`,
      )
  t.strictSame(
    ofProbe({
      deep: { path: '/', interval: '999ms', timeout: '1ms', maxLag: '1ms' },
    }),
    [duration('1s', '1h'), duration('100ms', '10m'), duration('1s', '24h')],
  )
  t.strictSame(ofProbe({ deep: {} }), [rules.path])
  t.strictSame(ofProbe({ ask: {} }), [
    integer(1, 65_535),
    rules.send,
    rules.expect,
  ])
  for (const [key, value, rule] of [
    ['port', 0, integer(1, 65_535)],
    ['send', '', rules.send],
    ['send', 'a\nb', rules.send],
    ['expect', '', rules.expect],
    ['expect', '/(/', rules.expect],
    ['expect', '^OK', rules.expect],
  ] as const)
    t.strictSame(
      ofProbe({ ask: { port: 1, send: 'a', expect: 'b', [key]: value } }),
      [rule],
      `${key} ${JSON.stringify(value)}`,
    )
  t.strictSame(ofProbe(null), ['must be a mapping of probe settings'])
  t.end()
})

void t.test('each probe setting takes what it should', t => {
  for (const [given, expected] of [
    [{ path: '/a/@@ok?x=1&y=%20' }, { path: '/a/@@ok?x=1&y=%20' }],
    [{ host: 'www.example.org:443' }, { host: 'www.example.org:443' }],
    [{ interval: '100ms' }, { interval: 100 }],
    [{ interval: '1h' }, { interval: 3_600_000 }],
    [{ slowStart: '0s' }, { slowStart: 0 }],
    [{ status: 200 }, { status: [[200, 200]] }],
    [{ status: '200-399' }, { status: [[200, 399]] }],
    [
      { status: '200, 301 - 303' },
      {
        status: [
          [200, 200],
          [301, 303],
        ],
      },
    ],
    [{ body: 'OK' }, { body: { kind: 'text', text: 'OK' } }],
    [{ body: '/' }, { body: { kind: 'text', text: '/' } }],
    [{ tcp: true }, { tcp: true }],
    [
      { ask: { port: 8180, send: 'health_ok', expect: '/^OK$/' } },
      {
        ask: {
          port: 8180,
          send: 'health_ok',
          expect: { kind: 'pattern', pattern: '^OK$' },
        },
      },
    ],
    [{ command: ['/opt/a b', '-q', ''] }, { command: ['/opt/a b', '-q', ''] }],
    [{ body: '/O+K/' }, { body: { kind: 'pattern', pattern: 'O+K' } }],
    [{ window: '3/10' }, { window: { failures: 3, of: 10 } }],
    [{ window: '0/0' }, { window: { failures: 0, of: 0 } }],
    [{ heartbeat: 'off' }, { heartbeat: 'off' }],
    [{ dropConnections: 'auto' }, { dropConnections: 'auto' }],
    [{ dropConnections: true }, { dropConnections: 'on' }],
    [{ dropConnections: false }, { dropConnections: 'off' }],
    [
      { heartbeat: {} },
      { heartbeat: { kind: 'on', intervalMs: 250, timeoutMs: 500 } },
    ],
    [
      { heartbeat: { interval: '50ms', timeout: '10ms' } },
      { heartbeat: { kind: 'on', intervalMs: 50, timeoutMs: 10 } },
    ],
    [
      { deep: { path: '/@@probe' } },
      {
        deep: {
          path: '/@@probe',
          intervalMs: 10_000,
          timeoutMs: 3_000,
          maxLagMs: 10_000,
        },
      },
    ],
  ] as const)
    t.strictSame(probeOf(given), expected, JSON.stringify(given))
  t.end()
})

void t.test('a URL is an origin, with the usual port left out or not', t => {
  for (const [url, expected] of [
    ['http://10.0.0.11:8080', { tls: false, host: '10.0.0.11', port: 8080 }],
    ['http://zope.example/', { tls: false, host: 'zope.example', port: 80 }],
    ['https://zope.example', { tls: true, host: 'zope.example', port: 443 }],
    ['HTTPS://Zope:8443', { tls: true, host: 'zope', port: 8443 }],
    ['http://[::1]:8080', { tls: false, host: '::1', port: 8080 }],
    ['http://[fe80::1]', { tls: false, host: 'fe80::1', port: 80 }],
    ['http://127.0.0.1:80', { tls: false, host: '127.0.0.1', port: 80 }],
  ] as const)
    t.strictSame(
      fileSchema.parse({ backends: { zope1: url } }).backends['zope1'],
      { url: expected },
      url,
    )
  for (const url of [
    '10.0.0.11:8080',
    'ftp://h',
    'http:h:1',
    'http:/h',
    'http:\\\\h',
    'http://',
    'http://:8080',
    'http://h:',
    'http://h:0',
    'http://h:99999',
    'http://h:1/path',
    'http://h:1?query',
    'http://h:1#part',
    'http://user@h:1',
    'http://user:secret@h:1',
    'http://@h',
    'http://h h',
    'http://h:1\n',
    'http://[::1',
    '',
  ])
    t.strictSame(messagesOf({ backends: { zope1: url } }), [rules.url], url)
  for (const url of ['http://10.0.0.011', 'http://10.1:80', 'http://0x7f.1'])
    t.strictSame(messagesOf({ backends: { zope1: url } }), [rules.address], url)
  t.end()
})

void t.test('names, directory, pools', t => {
  const nameRule =
    'must be a name: a lowercase letter, then up to 31 lowercase letters, digits or "-"'
  for (const [file, ...rule] of [
    [{ backends: { [`a${'1'.repeat(31)}`]: 'http://h' } }],
    [{ backends: { 'a-1': 'http://h' } }],
    [{ backends, directory: '/' }],
    [{ backends, directory: '/run/a b' }],
    [{ backends, staleAfter: '2s' }],
    [{ backends: { a: { url: 'http://h' } } }],
    [{ backends, pools: { default: { members: ['zope1'] } } }],
    [{ backends: { a: 5 } }, 'must be a URL or a mapping with url'],
    [{ backends, pool: {} }, 'Unrecognized key: "pool"'],
    [{ backends, directory: 'run' }, rules.directory],
    [{ backends, directory: '/run\n' }, rules.directory],
    [{ backends, directory: '/run\u001B[31m' }, rules.directory],
    [{ backends, directory: 5 }, rules.directory],
    [{ backends, staleAfter: '1s' }, duration('2s', '1h')],
    [{ backends, pools: {} }, 'must be a mapping with at least one pool'],
    [{ backends, pools: [] }, 'must be a mapping with at least one pool'],
  ] as const)
    t.strictSame(messagesOf(file), rule, JSON.stringify(file))
  for (const bad of ['', 'A', '1a', '-a', 'a.b', 'a_b', `a${'1'.repeat(32)}`]) {
    const { error } = fileSchema.safeParse({ backends: { [bad]: 'http://h' } })
    t.match(error?.issues, [{ code: 'invalid_key' }], bad)
    t.match(error?.issues, [{ issues: [{ message: nameRule }] }], bad)
  }
  for (const [key, bad, rule] of [
    ['policy', 'random', 'must be failover or balance'],
    ['whenAllDown', 'none', 'must be maintenance or try-all'],
    ['stickiness', 'loose', 'must be strict or relaxed'],
    ['failback', 'none', 'must be newcomers or all'],
    ['minAlive', -1, integer(0, 1000)],
    ['members', [], 'must be a list of at least one backend name'],
    ['members', 'zope1', 'must be a list of at least one backend name'],
    ['members', [5], 'must be a backend name or a mapping with name'],
    ['members', [{ name: 'a', weight: 257 }], integer(0, 256)],
    ['members', [{ name: 'a', weight: -1 }], integer(0, 256)],
    ['members', [{ name: 'a', tier: 0 }], integer(1, 1000)],
  ] as const)
    t.strictSame(
      messagesOf({ backends, pools: { default: { [key]: bad } } }),
      [rule],
      `${key} ${JSON.stringify(bad)}`,
    )
  t.end()
})

void t.test('every place of the file knows its keys', t => {
  for (const [path, key] of [
    [[], 'staleAfter'],
    [['backends', 'zope1'], 'url'],
    [['backends', 'zope1', 'probe'], 'interval'],
    [['backends', 'zope1', 'probe', 'deep'], 'maxLag'],
    [['probe'], 'rise'],
    [['probe', 'heartbeat'], 'timeout'],
    [['probe', 'ask'], 'expect'],
    [['pools', 'default'], 'minAlive'],
    [['pools', 'default', 'members', 0], 'weight'],
  ] as const)
    t.ok(knownKeys(path).includes(key), path.join('.'))
  for (const path of [
    ['directory'],
    ['constructor'],
    ['backends'],
    ['backends', 'zope1', 'url'],
    ['backends', 'zope1', 'url', 'x'],
    ['pools', 'default', 'members'],
  ])
    t.strictSame(knownKeys(path), [], path.join('.'))
  t.end()
})

const ofMap = (map: unknown): string[] => messagesOf({ backends, map })

void t.test('the check of the map program', t => {
  const url = 'http://127.0.0.1/.zope-failover/map'
  for (const good of [
    { url },
    { url: 'https://localhost:8443/.zope-failover/map' },
    { url: 'http://127.0.0.1/++api++/.zope-failover/map' },
    { url: 'http://[::1]:80/.zope-failover/map', host: 'www.example.org' },
    {
      url,
      interval: '1s',
      timeout: '100ms',
      commandInterval: '1m',
      command: 'x',
    },
  ])
    t.strictSame(ofMap(good), [], JSON.stringify(good))
  const urlRule =
    'must be the address of httpd on this machine, such as http://127.0.0.1/.zope-failover/map'
  for (const [bad, rule] of [
    [{}, urlRule],
    [{ url: 'http://www.example.org/.zope-failover/map' }, urlRule],
    [{ url: 'http://127.0.0.1/' }, urlRule],
    [{ url: 'http://127.0.0.1//.zope-failover/map' }, urlRule],
    [{ url: 'http://127.0.0.1:0/.zope-failover/map' }, urlRule],
    [{ url, host: 'a b' }, rules.host],
    [{ url, interval: '500ms' }, /from 1s to 1h/],
    [{ url, timeout: 2 }, /from 100ms to 1m/],
    [{ url, commandInterval: '10s' }, /from 1m to 24h/],
    [{ url, command: 'a\nb' }, /must be a command line for sh/],
    [{ url, command: '' }, /must be a command line for sh/],
    ['on', 'must be a mapping with url'],
  ] as const)
    t.match(ofMap(bad), [rule], JSON.stringify(bad))
  t.ok(knownKeys(['map']).includes('commandInterval'))
  t.end()
})

const ofHttpd = (httpd: unknown): string[] => messagesOf({ backends, httpd })

void t.test("httpd's status pages", t => {
  const status = 'http://127.0.0.1/server-status'
  for (const good of [
    { status },
    { status: [status, 'https://front2:8443/server-status'] },
    { status, host: 'www.example.org' },
  ])
    t.strictSame(ofHttpd(good), [], JSON.stringify(good))
  const rule =
    "must be the address of httpd's status page, such as http://127.0.0.1/server-status, or a list of them"
  for (const [bad, message] of [
    [{}, rule],
    [{ status: [] }, rule],
    [{ status: 'http://127.0.0.1' }, rule],
    [{ status: `${status}?auto` }, rule],
    [{ status: [status, 5] }, rule],
    [{ status, host: 'a b' }, rules.host],
    ['on', 'must be a mapping with status'],
  ] as const)
    t.strictSame(ofHttpd(bad), [message], JSON.stringify(bad))
  t.ok(knownKeys(['httpd']).includes('status'))
  t.end()
})

const ofPaths = (warmUp: unknown): string[] =>
  messagesOf({ backends: { zope1: { url: 'http://h:1', warmUp } } })

void t.test('warm-up paths', t => {
  t.strictSame(ofPaths(['/', '/news?a=b']), [])
  t.strictSame(ofPaths([]), [])
  t.strictSame(ofPaths(['news']), [rules.path])
  t.strictSame(ofPaths('/'), ['must be a list of paths, such as [/, /news]'])
  t.ok(knownKeys(['backends', 'zope1']).includes('warmUp'))
  t.end()
})

const ofPool = (pool: object): string[] =>
  messagesOf({ backends, pools: { default: pool } })

void t.test('the site of a pool', t => {
  const path =
    'must be the path of the site inside Zope, such as /Plone or /my%20site, percent-encoded, without "?", space or "#"'
  const url =
    'must be what visitors type: http://HOST or https://HOST, with a port if needed'
  for (const site of [
    '/',
    '/a/Plone',
    { path: '/Plone', url: 'HTTPS://www.example.org' },
    { path: '/Plone', url: 'http://[::1]:8080/' },
  ])
    t.strictSame(ofPool({ site, warmUp: ['/'] }), [], JSON.stringify(site))
  for (const [site, message] of [
    ['Plone', path],
    ['/a?b', path],
    ['/a b', path],
    [{ path: '/', url: 'www.example.org' }, url],
    [{ path: '/', url: 'http://h:70000' }, url],
    [{ path: '/', url: 'http://h/Plone' }, url],
    [{ path: '/', url: 7 }, url],
    [7, 'must be a path such as /Plone, or a mapping with path and url'],
  ] as const)
    t.strictSame(ofPool({ site }), [message], JSON.stringify(site))
  t.strictSame(ofPool({ warmUp: '/' }), [
    'must be a list of paths, such as [/, /news]',
  ])
  t.strictSame(knownKeys(['pools', 'default', 'site']), ['path', 'url'])
  t.end()
})

const ofNotify = (notify: unknown): string[] => messagesOf({ backends, notify })

void t.test('the receivers of notices', t => {
  const webhook = 'https://chat.example.org/hooks/x?y=z'
  for (const good of [
    { webhook },
    { webhook, headers: { Authorization: 'Bearer x' }, limit: '100/s' },
    { command: 'mail me', minSeverity: 'critical', repeatInterval: '0s' },
  ])
    t.strictSame(ofNotify(good), [], JSON.stringify(good))
  for (const [bad, rule] of [
    [{}, 'must have webhook or command'],
    ['on', 'must be a mapping with webhook or command'],
    [{ webhook: 'mailto:me' }, 'must be an http or https URL'],
    [{ webhook: 'http://a:b' }, 'must be an http or https URL'],
    [{ webhook: 5 }, 'must be an http or https URL'],
    [{ webhook, headers: { 'a b': 'c' } }, /HTTP header names/],
    [{ webhook, headers: { a: 'b\nc' } }, /HTTP header names/],
    [{ webhook, headers: { a: 5 } }, /HTTP header names/],
    [{ webhook, headers: 'a' }, /HTTP header names/],
    [{ webhook, limit: '0/m' }, /NUMBER\/m/],
    [{ webhook, limit: '101/m' }, /NUMBER\/m/],
    [{ webhook, limit: 6 }, /NUMBER\/m/],
    [{ webhook, groupWait: '1ms' }, /from 1s to 1h/],
    [{ webhook, minSeverity: 'info' }, 'must be warning or critical'],
  ] as const)
    t.match(ofNotify(bad), [rule], JSON.stringify(bad))
  t.ok(knownKeys(['notify']).includes('warningAfter'))
  t.end()
})

const zeoMessages = (zeo: unknown): string[] =>
  messagesOf({ backends, pools: { default: { zeo } } })

void t.test('the address of a ZEO server', t => {
  for (const good of ['127.0.0.1:8100', 'zeo.example.org:1', '[::1]:65535'])
    t.same(zeoMessages(good), [], good)
  for (const bad of ['zeo', 'zeo:0', 'zeo:65536', '::1:8100', 8100, 'a b:1'])
    t.match(zeoMessages(bad), [/HOST:PORT/], String(bad))
  t.end()
})

const ofStatus = (status: unknown): string[] => messagesOf({ backends, status })

void t.test('where the status page is served', t => {
  for (const good of [
    {},
    { listen: '127.0.0.1:8009' },
    { listen: '[::1]:8009', hosts: [] },
    { listen: '0.0.0.0:1', hosts: ['status.example.org', 'web-1'] },
    { tokenFile: '/etc/zope-failover.token' },
  ])
    t.strictSame(ofStatus(good), [], JSON.stringify(good))
  for (const [bad, rule] of [
    [true, 'must be a mapping with listen, hosts, tokenFile'],
    [{ listen: 8009 }, /must be HOST:PORT to listen on/],
    [{ listen: ':8009' }, /must be HOST:PORT/],
    [{ listen: '127.0.0.1:0' }, /must be HOST:PORT/],
    [{ hosts: 'a' }, /must be a list of host names/],
    [{ hosts: ['a:80'] }, /must be a list of host names/],
    [{ hosts: [5] }, /must be a list of host names/],
    [{ tokenFile: 'token' }, /must be the absolute path of a file/],
    [{ tokenFile: '/' }, /must be the absolute path of a file/],
    [{ tokenFile: ['/a'] }, /must be the absolute path of a file/],
  ] as const)
    t.match(ofStatus(bad), [rule], JSON.stringify(bad))
  t.strictSame(knownKeys(['status']), ['listen', 'hosts', 'tokenFile'])
  t.strictSame(knownKeys(['agent']), ['listen'])
  t.end()
})

const ofFront = (front: unknown): string[] => messagesOf({ backends, front })

void t.test('the front', t => {
  const urlRule =
    'must be a URL of httpd or Squid on this machine, with an IP address or localhost, such as http://127.0.0.1/.zope-failover/map'
  for (const good of [
    {},
    { url: 'http://127.0.0.1/.zope-failover/map' },
    { url: 'https://localhost:8443/x?y' },
    { url: 'http://[::1]:80/' },
    { interval: '100ms', timeout: '50ms', fall: 1, rise: 100, minScore: 100 },
  ])
    t.strictSame(ofFront(good), [], JSON.stringify(good))
  for (const [bad, rule] of [
    [null, /must be a mapping/],
    [{ url: 'http://www.example.org/' }, urlRule],
    [{ url: 'http://user@127.0.0.1/' }, urlRule],
    [{ url: 'http://127.0.0.1' }, urlRule],
    [{ url: 'http://127.0.0.1:99999/' }, urlRule],
    [{ interval: '50ms' }, /from 100ms to 1m/],
    [{ timeout: '2m' }, /from 50ms to 1m/],
    [{ fall: 0 }, /from 1 to 100/],
    [{ minScore: 60 }, 'must be 50 or 100'],
    [{ pool: 5 }, 'must be the name of a pool'],
  ] as const)
    t.match(ofFront(bad)[0], rule, JSON.stringify(bad))
  t.ok(knownKeys(['front']).includes('minScore'))
  t.end()
})

void t.test('the networks that may ask by ICP', t => {
  const of = (allow: unknown) =>
    messagesOf({ backends, icp: { listen: { zope1: '127.0.0.1:1' }, allow } })
  for (const good of ['10.0.0.1', '10.0.0.0/8', '::1', 'fd00::/128'])
    t.strictSame(of([good]), [], good)
  for (const bad of ['h', '10.0.0.0/33', '::/129', '10.0.0.0/8/8', '::/x', 5])
    t.equal(of([bad]).length, 1, String(bad))
  t.equal(of('10.0.0.1').length, 1)
  t.equal(messagesOf({ backends, icp: { listen: {} } }).length, 1)
  t.equal(messagesOf({ backends, icp: { listen: 5 } }).length, 1)
  t.equal(messagesOf({ backends, icp: { listen: { 'a b': '::1' } } }).length, 1)
  t.equal(messagesOf({ backends, icp: { listen: { zope1: 'h:1' } } }).length, 1)
  t.end()
})

const ofCluster = (cluster: unknown): string[] =>
  messagesOf({ backends, cluster })

void t.test('the cluster', t => {
  const etcd = ['https://10.0.0.1:2379']
  for (const good of [
    { etcd },
    {
      etcd: ['http://127.0.0.1:2379', 'http://[::1]:1/', 'http://localhost:1'],
    },
    { etcd, name: 'fe1', prefix: '/a/b.c_d-e', isolatedAfter: '3s' },
    { etcd, user: 'u@x', passwordFile: '/p', ca: '/c', cert: '/c', key: '/k' },
    { etcd, cache: '/var/lib/x.json' },
  ])
    t.strictSame(ofCluster(good), [], JSON.stringify(good))
  for (const [bad, rule] of [
    [{}, /must be a list of client addresses of etcd/],
    [{ etcd: 'https://h' }, /must be a list/],
    [{ etcd: [] }, /must be a list/],
    [{ etcd: [5] }, /must be a list/],
    [{ etcd: ['https://h/path'] }, /must be a list/],
    [{ etcd: ['http://10.0.0.1:2379'] }, /must be https:\/\/ beyond loopback/],
    [{ etcd: ['http://etcd1:2379'] }, /must be https:\/\/ beyond loopback/],
    [{ etcd: [...etcd, ...etcd] }, 'must not name an address twice'],
    [
      { etcd: Array.from({ length: 10 }, (_, n) => `https://h:${n + 1}`) },
      'must be at most 9 addresses',
    ],
    [{ etcd, name: 'FE1' }, /must be a name/],
    [{ etcd, prefix: 'x' }, /must be a path of letters/],
    [{ etcd, prefix: '/x/' }, /must be a path of letters/],
    [{ etcd, prefix: '/../x' }, /must be a path of letters/],
    [{ etcd, prefix: `/${'x'.repeat(200)}` }, /must be a path of letters/],
    [{ etcd, ca: 'ca.pem' }, /must be the absolute path/],
    [{ etcd, user: 'a b' }, /must be the name of a user of etcd/],
    [{ etcd, isolatedAfter: '2s' }, /from 3s to 1m/],
    [{ etcd, cache: '/' }, /must be the absolute path/],
  ] as const)
    t.match(ofCluster(bad)[0], rule, JSON.stringify(bad))
  t.ok(knownKeys(['cluster']).includes('passwordFile'))
  t.end()
})
