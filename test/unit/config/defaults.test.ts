import t from 'tap'
import type { Config, Pool } from '../../../config/config.ts'
import { parseConfig } from '../../../config/parse.ts'

function parse(...lines: string[]): Config {
  return parseConfig(lines.join('\n'), 'f.yaml')
}

/** The documented defaults. */
const probeDefaults = {
  light: { kind: 'http' },
  path: '/',
  method: 'GET',
  host: null,
  intervalMs: 1_000,
  quickIntervalMs: 500,
  fastIntervalMs: 250,
  downIntervalMs: 1_000,
  slowMs: 1_000,
  leastSlowMs: 300,
  timeoutMs: 5_000,
  connectTimeoutMs: 2_000,
  firstByteTimeoutMs: 5_000,
  rise: 2,
  fall: 3,
  status: [[200, 399]],
  body: null,
  maxBody: 65_536,
  verify: true,
  ca: null,
  window: { failures: 0, of: 0 },
  dropConnections: 'auto',
  isDamped: true,
  slowStartMs: 30_000,
  heartbeat: { kind: 'on', intervalMs: 250, timeoutMs: 500 },
  busyTimeoutMs: 60_000,
  deep: null,
}

const poolDefaults = {
  name: 'default',
  policy: 'failover',
  whenAllDown: 'maintenance',
  stickiness: 'strict',
  failback: 'newcomers',
  minAlive: 1,
  zeo: null,
}

void t.test('two lines are enough', t => {
  t.strictSame(parse('backends:', '  zope1: http://10.0.0.11:8080'), {
    directory: '/run/zope-failover',
    staleAfterMs: 15_000,
    backends: [
      {
        name: 'zope1',
        tls: false,
        host: '10.0.0.11',
        port: 8080,
        probe: probeDefaults,
      },
    ],
    pools: [
      { ...poolDefaults, members: [{ name: 'zope1', weight: 1, tier: 1 }] },
    ],
  })
  t.end()
})

void t.test('the full example of the contract is taken as it stands', t => {
  const config = parse(
    'directory: /run/zope-failover',
    'staleAfter: 15s',
    'backends:',
    '  zope1: http://10.0.0.11:8080',
    '  zope2: { url: http://10.0.0.12:8080, probe: { path: /@@ok } }',
    'pools:                        # left out: one pool `default`',
    '  default:',
    '    policy: failover',
    '    members: [zope1, { name: zope2, weight: 2, tier: 1 }]',
    '    whenAllDown: maintenance  # maintenance: answer NULL | try-all',
    '    stickiness: strict',
    '    minAlive: 1',
    'probe:                        # defaults, overridable per backend',
    '  path: /',
    '  interval: 1s',
    '  slow: 1s',
    '  timeout: 5s                 # the whole probe',
    '  rise: 2',
    '  fall: 3',
    '  heartbeat: auto',
    '  busyTimeout: 60s',
    '  window: 0/0',
    '  deep: { path: /@@probe, interval: 10s, timeout: 3s, maxLag: 10s }',
    '  slowStart: 30s',
  )
  const deep = {
    path: '/@@probe',
    intervalMs: 10_000,
    timeoutMs: 3_000,
    maxLagMs: 10_000,
  }
  // what is given is not learned
  const given = { ...probeDefaults, quickIntervalMs: 1_000, leastSlowMs: 1_000 }
  t.strictSame(
    config.backends.map(({ probe }) => probe),
    [
      { ...given, deep },
      { ...given, deep, path: '/@@ok' },
    ],
  )
  t.strictSame(config.pools, [
    {
      ...poolDefaults,
      members: [
        { name: 'zope1', weight: 1, tier: 1 },
        { name: 'zope2', weight: 2, tier: 1 },
      ],
    },
  ])
  t.end()
})

void t.test("a backend's own settings go over the common ones", t => {
  const [a, b] = parse(
    'backends:',
    '  a: { url: http://h:1, probe: { interval: 2s, status: 200, heartbeat: { interval: 1s } } }',
    '  b: http://h:2',
    'probe: { interval: 4s, rise: 5, heartbeat: off }',
  ).backends
  t.match(a?.probe, {
    intervalMs: 2_000,
    fastIntervalMs: 500,
    downIntervalMs: 2_000,
    rise: 5,
    status: [[200, 200]],
    heartbeat: { kind: 'on', intervalMs: 1_000, timeoutMs: 500 },
  })
  t.match(b?.probe, {
    intervalMs: 4_000,
    fastIntervalMs: 1_000,
    rise: 5,
    status: [[200, 399]],
    heartbeat: { kind: 'off' },
  })
  t.end()
})

void t.test('limits that were not given keep within the given timeout', t => {
  const backend = 'backends: { a: http://h:1 }'
  t.match(parse(backend, 'probe: { timeout: 500ms }').backends[0]?.probe, {
    slowMs: 500,
    connectTimeoutMs: 500,
    firstByteTimeoutMs: 500,
  })
  t.match(parse(backend, 'probe: { timeout: 30s }').backends[0]?.probe, {
    slowMs: 1_000,
    connectTimeoutMs: 2_000,
    firstByteTimeoutMs: 30_000,
  })
  t.match(
    parse(backend, 'probe: { interval: 100ms, heartbeat: {} }').backends[0]
      ?.probe,
    {
      fastIntervalMs: 50,
      heartbeat: { kind: 'on', intervalMs: 250, timeoutMs: 500 },
    },
  )
  t.match(
    parse(
      backend,
      'probe: { fastInterval: 60ms, downInterval: 7s, slow: 3s, connectTimeout: 3s, firstByteTimeout: 4s, fall: 1, body: OK, maxBody: 10, verify: false, ca: /ca.pem, dropConnections: true, host: x, method: GET, window: 1/2, slowStart: 0s, busyTimeout: 5s }',
    ).backends[0]?.probe,
    {
      fastIntervalMs: 60,
      downIntervalMs: 7_000,
      slowMs: 3_000,
      connectTimeoutMs: 3_000,
      firstByteTimeoutMs: 4_000,
      fall: 1,
      body: { kind: 'text', text: 'OK' },
      maxBody: 10,
      verify: false,
      ca: '/ca.pem',
      host: 'x',
      method: 'GET',
      window: { failures: 1, of: 2 },
      dropConnections: 'on',
      slowStartMs: 0,
      busyTimeoutMs: 5_000,
    },
  )
  t.end()
})

const probeOf = (probe: string, count = 1) =>
  parse(
    `backends: { ${Array.from({ length: count }, (_, i) => `a${i}: http://h${i}:1`).join(', ')} }`,
    `probe: { ${probe} }`,
  ).backends[0]?.probe

void t.test('learned limits stay within the configured ones', t => {
  t.match(probeOf('interval: 2s, slow: 2s'), {
    quickIntervalMs: 2_000,
    leastSlowMs: 2_000,
  })
  t.match(probeOf('timeout: 200ms'), { quickIntervalMs: 500, leastSlowMs: 200 })
  t.match(probeOf('tcp: true'), { quickIntervalMs: 1_000, leastSlowMs: 300 })
  t.equal(probeOf('rise: 2', 20)?.quickIntervalMs, 500)
  t.equal(probeOf('rise: 2', 30)?.quickIntervalMs, 750)
  t.equal(probeOf('rise: 2', 50)?.quickIntervalMs, 1_000)
  t.end()
})

void t.test('busy is at least as long as a probe may take', t => {
  const backend = 'backends: { a: http://h:1 }\n'
  t.match(parse(backend, 'probe: { timeout: 2m }').backends[0]?.probe, {
    busyTimeoutMs: 120_000,
  })
  t.end()
})

void t.test('failover gives each member its tier, balance one to all', t => {
  const backends = 'backends: { a: http://h:1, b: http://h:2, c: http://h:3 }'
  t.strictSame(tiers(parse(backends).pools[0]), ['a 1 1', 'b 2 1', 'c 3 1'])
  const { pools } = parse(
    backends,
    'pools:',
    '  order: { members: [c, a] }',
    '  mixed: { members: [c, { name: a, tier: 1, weight: 0 }, b] }',
    '  flat: { policy: balance }',
    '  spare: { policy: balance, members: [a, { name: b, weight: 256 }, { name: c, tier: 2 }], whenAllDown: try-all, stickiness: relaxed, failback: all, minAlive: 0 }',
  )
  t.strictSame(pools.map(tiers), [
    ['c 1 1', 'a 2 1'],
    ['c 1 1', 'a 1 0', 'b 3 1'],
    ['a 1 1', 'b 1 1', 'c 1 1'],
    ['a 1 1', 'b 1 256', 'c 2 1'],
  ])
  t.match(pools[3], {
    whenAllDown: 'try-all',
    stickiness: 'relaxed',
    failback: 'all',
    minAlive: 0,
  })
  t.end()
})

void t.test('slashes at the end of the directory do not count', t => {
  const backend = 'backends: { a: http://h:1 }'
  for (const [given, directory] of [
    ['/run/x/', '/run/x'],
    ['/run/x//', '/run/x'],
    ['/', '/'],
    ['///', '/'],
  ] as const)
    t.equal(parse(backend, `directory: ${given}`).directory, directory)
  t.end()
})

function tiers(pool: Pool | undefined): unknown {
  return pool?.members.map(
    ({ name, tier, weight }) => `${name} ${tier} ${weight}`,
  )
}

void t.test(
  'the check of the map program is off, and has defaults when it is on',
  t => {
    const two = ['backends:', '  zope1: http://10.0.0.11:8080']
    const url = 'http://127.0.0.1/.zope-failover/map'
    t.notOk('map' in parse(...two))
    const defaults = {
      url,
      host: null,
      intervalMs: 5_000,
      timeoutMs: 2_000,
      command: null,
      commandIntervalMs: 600_000,
    }
    t.strictSame(parse(...two, `map: { url: '${url}' }`).map, defaults)
    t.match(
      parse(
        ...two,
        `map: { url: '${url}', host: www.example.org, command: systemctl reload apache2 }`,
      ).map,
      { host: 'www.example.org', command: 'systemctl reload apache2' },
    )
    t.end()
  },
)

void t.test('heartbeats are for a few Zopes, not for a thousand', t => {
  const beats = (count: number, url = 'http') =>
    parse(
      `backends: {${Array.from({ length: count }, (_, i) => `b${i}: "${url}://h:${i + 1}"`).join(', ')}}`,
    ).backends[0]?.probe.heartbeat
  t.match(beats(20), { kind: 'on', intervalMs: 250 })
  t.match(beats(40), { kind: 'on', intervalMs: 500 })
  t.match(beats(80), { kind: 'on', intervalMs: 1_000 })
  t.strictSame(beats(81), { kind: 'off' })
  t.strictSame(beats(1, 'https'), { kind: 'off' })
  t.match(
    parse('backends: { a: "https://h:1" }', 'probe: { heartbeat: {} }')
      .backends[0]?.probe.heartbeat,
    { kind: 'on', intervalMs: 250 },
  )
  t.end()
})

void t.test('the status page is off, and on loopback when it is on', t => {
  const two = ['backends: { a: http://h:1 }'] as const
  t.equal(parse(...two).status, undefined)
  t.strictSame(parse(...two, 'status: {}').status, {
    listen: { host: '127.0.0.1', port: 8009 },
    hosts: [],
  })
  t.strictSame(
    parse(...two, 'status: { listen: "[::1]:80", hosts: [a] }').status,
    { listen: { host: '::1', port: 80 }, hosts: ['a'] },
  )
  t.equal(
    parse(...two, 'status: { tokenFile: /etc/token }').status?.tokenFile,
    '/etc/token',
  )
  t.end()
})

void t.test(
  'the agent for HAProxy is off, and on loopback when it is on',
  t => {
    const two = ['backends: { a: http://h:1 }'] as const
    t.equal(parse(...two).agent, undefined)
    t.strictSame(parse(...two, 'agent: {}').agent, {
      listen: { host: '127.0.0.1', port: 8010 },
    })
    t.strictSame(parse(...two, 'agent: { listen: "[::]:9" }').agent, {
      listen: { host: '::', port: 9 },
    })
    t.end()
  },
)

void t.test('the settings of restart', t => {
  const { backends, httpd } = parse(
    'backends: { a: { url: "http://h:1", warmUp: [/news] }, b: http://h:2 }',
    'httpd: { status: http://127.0.0.1/server-status }',
  )
  t.strictSame(httpd, {
    status: ['http://127.0.0.1/server-status'],
    host: null,
  })
  t.strictSame(
    backends.map(({ probe }) => probe.warmUp),
    [[{ shown: '/news', path: '/news' }], undefined],
  )
  const { backends: pages, pools } = parse(
    'backends: { a: { url: "http://h:1", warmUp: [/, /news?a=%20] }, b: http://h:2, c: { url: "http://h:3", warmUp: [] } }',
    'pools: { default: { site: { path: /Plone/, url: "https://www.example.org/" }, warmUp: [/] }, other: { members: [b], site: /other } }',
  )
  t.strictSame(
    pools.map(({ site, warmUp }) => [site, warmUp]),
    [
      [{ origin: 'https/www.example.org:443', path: '/Plone' }, ['/']],
      [{ origin: 'http/localhost:80', path: '/other' }, undefined],
    ],
  )
  const base = '/VirtualHostBase/https/www.example.org:443/Plone'
  t.strictSame(
    pages.map(({ probe }) => probe.warmUp),
    [
      [
        { shown: '/', path: `${base}/VirtualHostRoot/` },
        { shown: '/news?a=%20', path: `${base}/VirtualHostRoot/news?a=%20` },
      ],
      [{ shown: '/', path: `${base}/VirtualHostRoot/` }],
      undefined,
    ],
  )
  t.end()
})

void t.test('the receivers and timing of notices', t => {
  const one = 'backends: { a: http://h:1 }'
  t.equal(parse(one).notify, undefined)
  const common = {
    headers: {},
    minSeverity: 'warning',
    groupWaitMs: 5_000,
    warningAfterMs: 60_000,
    repeatIntervalMs: 3_600_000,
    limit: { count: 6, perMs: 60_000 },
    timeoutMs: 10_000,
  }
  t.strictSame(parse(one, 'notify: { command: mail me }').notify, {
    ...common,
    command: 'mail me',
  })
  t.strictSame(
    parse(one, 'notify: { webhook: "https://h/x", limit: 2/h }').notify,
    {
      ...common,
      webhook: 'https://h/x',
      limit: { count: 2, perMs: 3_600_000 },
    },
  )
  t.end()
})

/** The probe of a backend with its own settings. */
function own(settings: string, ...common: string[]) {
  return parse(
    `backends: { a: { url: "http://h:1", probe: ${settings} } }`,
    ...common,
  ).backends[0]?.probe
}

void t.test(
  'a backend has the kind of light probe that it or all ask for',
  t => {
    const ask = 'ask: { port: 8180, send: health_ok, expect: /^OK$/ }'
    const asked = {
      kind: 'ask',
      port: 8180,
      send: 'health_ok',
      expect: { kind: 'pattern', pattern: '^OK$' },
    }
    t.strictSame(own('{ tcp: true }')?.light, { kind: 'tcp' })
    t.strictSame(own('{ tcp: false }', `probe: { ${ask} }`)?.light, {
      kind: 'http',
    })
    t.strictSame(own(`{ ${ask} }`)?.light, asked)
    t.strictSame(own('{}', `probe: { ${ask} }`)?.light, asked)
    t.strictSame(own(`{ ${ask} }`, 'probe: { tcp: true }')?.light, asked)
    const run = own(
      '{ command: [/bin/true, -q] }',
      `probe: { ${ask}, rise: 5 }`,
    )
    t.match(run, { light: { kind: 'command', command: ['/bin/true', '-q'] } })
    t.equal(run?.rise, 5, 'all else of the settings for all holds')
    t.strictSame(own('{ tcp: true }', 'probe: { path: /a, body: OK }')?.light, {
      kind: 'tcp',
    })
    t.end()
  },
)

void t.test('a backend with TCP probes gets no heartbeat by default', t => {
  t.equal(own('{ tcp: true }')?.heartbeat.kind, 'off')
  t.equal(own('{ tcp: true, heartbeat: auto }')?.heartbeat.kind, 'on')
  t.equal(own('{ tcp: false }')?.heartbeat.kind, 'on')
  t.equal(own('{ command: [/bin/true] }')?.heartbeat.kind, 'on')
  t.end()
})

void t.test('the front', t => {
  const backends = 'backends: { zope1: "http://h:1" }'
  const front = (...lines: string[]) => parse(backends, ...lines).front
  t.equal(front(), undefined)
  t.strictSame(front('front: {}'), {
    url: 'http://127.0.0.1/.zope-failover/map',
    host: null,
    intervalMs: 250,
    timeoutMs: 300,
    fall: 2,
    rise: 1,
    pool: 'default',
    minScore: 50,
  })
  const url = 'http://127.0.0.1:8080/.zope-failover/map'
  const map = `map: { url: "${url}", host: www.example.org }`
  t.match(front('front: {}', map), { url, host: 'www.example.org' }, 'as map')
  t.match(front(`front: { url: "${url}" }`, map), { host: 'www.example.org' })
  t.match(front('front: { url: "http://127.0.0.1/x" }', map), {
    url: 'http://127.0.0.1/x',
    host: null,
  })
  t.match(front('front: { host: a.example.org, minScore: 100 }', map), {
    url,
    host: 'a.example.org',
    minScore: 100,
  })
  t.equal(front('front: {}', `map: { url: "${url}" }`)?.host, null)
  t.end()
})

void t.test('connections to a frozen backend', t => {
  for (const [given, is] of [
    ['true', 'on'],
    ['false', 'off'],
    ['auto', 'auto'],
  ] as const)
    t.equal(own(`{ dropConnections: ${given} }`)?.dropConnections, is)
  t.end()
})

void t.test('who answers ICP', t => {
  t.equal(parse('backends: { zope1: http://h:1 }').icp, undefined)
  t.strictSame(
    parse(
      'backends: { zope1: http://h:1 }',
      'icp: { listen: { zope1: 127.0.0.1:3131 } }',
    ).icp,
    {
      listen: [{ backend: 'zope1', host: '127.0.0.1', port: 3131 }],
      allow: [],
      pool: 'default',
      spread: 'request',
    },
  )
  t.end()
})

void t.test('the cluster is off, and says where it keeps its orders', t => {
  const backends = 'backends: { zope1: http://h:1 }'
  t.equal(parse(backends).cluster, undefined)
  t.strictSame(
    parse(backends, 'cluster: { etcd: ["https://10.0.0.1:2379/"] }').cluster,
    {
      etcd: ['https://10.0.0.1:2379'],
      name: null,
      prefix: '/zope-failover/default',
      ca: null,
      cert: null,
      key: null,
      user: null,
      passwordFile: null,
      isolatedAfterMs: 5_000,
      cache: '/var/lib/zope-failover/cluster.json',
    },
  )
  t.match(
    parse(
      backends,
      'cluster: { etcd: ["https://h"], name: fe1, ca: /a, cert: /c, key: /k, user: u, passwordFile: /p }',
    ).cluster,
    {
      name: 'fe1',
      ca: '/a',
      cert: '/c',
      key: '/k',
      user: 'u',
      passwordFile: '/p',
    },
  )
  t.end()
})
