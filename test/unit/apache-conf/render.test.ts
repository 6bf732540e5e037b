import { readFileSync } from 'node:fs'
import t from 'tap'
import {
  render,
  type RenderOptions,
  type SameSite,
} from '../../../apache-conf/render.ts'
import { parseConfig } from '../../../config/parse.ts'
import { ConfigError } from '../../../config/problem.ts'

const template = (name: string): string =>
  readFileSync(
    new URL(`../../../apache-conf/${name}.conf`, import.meta.url),
    'utf8',
  )

const templates = {
  prg: template('prg'),
  'prg-sticky': template('prg-sticky'),
  'prg-lookup': template('prg-lookup'),
  'prg-again': template('prg-again'),
  sentinel: template('sentinel'),
  'last-resort': template('last-resort'),
  turn: template('turn'),
  txt: template('txt'),
}

const plain: RenderOptions = {
  pool: undefined,
  url: undefined,
  site: '',
  isVhm: true,
  cookie: 'zope_route',
  affinity: 'none',
  mapUser: undefined,
  timeoutMs: 60_000,
  isSecondChance: true,
  maxConnections: undefined,
  local: [],
  keptStatuses: [],
  page: '<p>later</p>',
  retryAfterMs: 30_000,
  launcher: '/opt/zf/launch.sh',
  node: '/usr/bin/node',
  main: '/opt/zf/main.js',
  configFile: '/etc/zope-failover.yaml',
  command: 'zope-failover apache-conf',
  version: '1.2.3',
}

const two = `
backends: { zope1: http://10.0.0.1:8080, zope2: http://10.0.0.2:8080 }
`

function conf(yaml: string, options: Partial<RenderOptions> = {}): string {
  return render(templates, parseConfig(yaml, 'x.yaml'), {
    ...plain,
    ...options,
  })
}

function problemsOf(
  yaml: string,
  options: Partial<RenderOptions>,
): readonly string[] {
  try {
    conf(yaml, options)
  } catch (err) {
    if (err instanceof ConfigError) return err.problems
    throw err
  }
  return []
}

/** Lines without comments, white space at both ends cut. */
const lines = (text: string): string[] =>
  text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'))

const lookup = (options: Partial<RenderOptions>): string | undefined =>
  lines(conf(two, options)).find(line => line.includes('${zope:'))

/** In their order, each one once. */
const balancersOf = (text: string): string[] => [
  ...new Set(
    [...text.matchAll(/^BalancerMember balancer:\/\/(\S+) /gm)].map(
      ([, name = '']) => name,
    ),
  ),
]

const program = (yaml: string, options: Partial<RenderOptions>): unknown =>
  lines(conf(yaml, options)).find(line => line.startsWith('RewriteMap zope'))

const target = (options: Partial<RenderOptions>): unknown =>
  /"balancer:\/\/zf\.%1\/(.*)"/.exec(conf(two, options))?.[1]

const steps = (yaml: string): string[] =>
  lines(conf(yaml)).flatMap(line => {
    const list = /\[E=(ZF_(?:TIER|LIST)):.*(zope\d)\/\]/.exec(line)
    if (list !== null) return [`${list[1]} ${list[2]}`]
    return line.includes('E=!ZF_TIER') ? ['turn'] : []
  })

const asked = (yaml: string, pool?: string): unknown =>
  /%\{ENV:UNIQUE_ID\} (\w+) %\{ENV:ZF_ROUTE/.exec(conf(yaml, { pool }))?.[1]

void t.test('a balancer for each backend and each ordered pair', async t => {
  const text = conf(two.replace('}', ', zope3: "http://[::1]" }'))
  t.strictSame(balancersOf(text), [
    ...['zope1', 'zope2', 'zope3'].map(name => `zf.${name}`),
    'zf.zope1.zope2',
    'zf.zope1.zope3',
    'zf.zope2.zope1',
    'zf.zope2.zope3',
    'zf.zope3.zope1',
    'zf.zope3.zope2',
  ])
  t.match(
    text,
    'BalancerMember balancer://zf.zope1.zope3 http://[::1]:80 route=zope3 status=+H retry=1 connectiontimeout=2 timeout=60 disablereuse=On\n',
  )
  t.match(conf(two, { maxConnections: 16 }), / disablereuse=On max=16\n/)
})

void t.test('every mark is filled, and the skips count the rules', async t => {
  for (const style of ['prg', 'txt', 'sentinel'] as const)
    for (const policy of ['failover', 'balance'])
      for (const cookie of ['zope_route', undefined])
        for (const affinity of ['none', 'address', 'url'] as const) {
          if (style !== 'prg' && affinity !== 'none') continue
          const text = conf(`${two}pools: { p: { policy: ${policy} } }`, {
            style,
            cookie,
            affinity,
          })
          t.notMatch(text, '{{')
          const rules = lines(text).filter(line =>
            line.startsWith('RewriteRule'),
          )
          const targets = rules.flatMap((rule, at) => {
            const skip = /S=(\d+)\]/.exec(rule)?.[1]
            return skip === undefined ? [] : [rules[at + 1 + Number(skip)]]
          })
          const proxy = /E=ZF_URI:%\{REQUEST_URI\}/
          t.match(targets, [
            // over the second chance
            style === 'prg' ? /S=1\]/ : /\(\?:\/\|\$\)" "-" \[END\]/,
            // over what httpd serves, over the look at the map, to the proxy
            ...(style === 'prg'
              ? [
                  /^RewriteRule "\^" "-" \[END\]/,
                  ...(cookie !== undefined && affinity === 'none'
                    ? [proxy]
                    : []),
                  /S=\d+\]/,
                  proxy,
                ]
              : []),
            ...(style !== 'sentinel' && cookie !== undefined
              ? [/ZF_ANSWER:%1 -\]/]
              : []),
            ...(style === 'sentinel' ? [] : [proxy]),
            /\[E=ZF_ANSWER:NULL\]/,
          ])
          t.equal(text.includes('RewriteMap zope "prg:'), style === 'prg')
          t.equal(text.includes('RewriteMap zopes '), style !== 'sentinel')
          t.equal(text.includes('unique_id'), style === 'prg')
        }
})

void t.test('the lookup', async t => {
  const pattern = String.raw`"(?s)^(\S+) (?:\1 (NULL|(?:zope1|zope2) (?:zope1|zope2|-))$|(.*))"`
  t.equal(
    lookup({}),
    `RewriteCond "%{ENV:UNIQUE_ID} \${zope:%{ENV:UNIQUE_ID} default %{ENV:ZF_ROUTE}}" ${pattern}`,
  )
  t.equal(
    lookup({ affinity: 'address' }),
    `RewriteCond "%{ENV:UNIQUE_ID} \${zope:%{ENV:UNIQUE_ID} default %{ENV:ZF_ROUTE} %{ENV:ZF_AFFINITY}}" ${pattern}`,
  )
})

void t.test('who need not ask the map program', async t => {
  const key = '${zopes:default/%{ENV:ZF_ROUTE}}'
  const pool = (text: string): string => `${two}pools: { default: { ${text} } }`
  const times = (text: string): number => text.split(key).length - 1
  // once more for when the map program gives no answer
  t.equal(times(conf(two)), 2)
  t.equal(times(conf(pool('failback: all'))), 1)
  t.equal(times(conf(two, { affinity: 'address' })), 1)
  t.equal(times(conf(two, { cookie: undefined })), 0)
  t.equal(times(conf(two, { style: 'txt' })), 1)
  t.notMatch(conf(two), 'RewriteCond expr')
  t.match(
    conf(`directory: "/run/it's"\n${pool('stickiness: relaxed')}`, {
      part: 'site',
    }),
    String.raw`RewriteCond expr "file('/run/it\'s/%{reqenv:ZF_ROUTE}.up') =~ /^[1-9]/"`,
  )
})

void t.test('the map program and its user', async t => {
  t.equal(
    program(two, {}),
    'RewriteMap zope "prg:/opt/zf/launch.sh /usr/bin/node /opt/zf/main.js --config /etc/zope-failover.yaml --directory /run/zope-failover --answer pair"',
  )
  t.equal(
    program(`directory: /run/zope failover\n${two}`, {
      mapUser: 'zope:www-data',
      configFile: '/etc/my zope.yaml',
    }),
    `RewriteMap zope "prg:/opt/zf/launch.sh /usr/bin/node /opt/zf/main.js --config '/etc/my zope.yaml' --directory '/run/zope failover' --answer pair" zope:www-data`,
  )
})

void t.test('where the path goes', async t => {
  t.equal(
    target({}),
    'VirtualHostBase/%{REQUEST_SCHEME}/%{SERVER_NAME}:%{SERVER_PORT}/VirtualHostRoot/${esc:$1}',
  )
  t.match(conf(two), /^UseCanonicalName On$/m)
  for (const [url, base] of [
    ['http://www.example.org', 'http/www.example.org:80'],
    ['HTTPS://www.example.org/', 'https/www.example.org:443'],
    ['https://www.example.org:8443', 'https/www.example.org:8443'],
    ['http://[::1]', 'http/[::1]:80'],
    ['https://bücher.example', 'https/xn--bcher-kva.example:443'],
  ] as const)
    t.equal(
      target({ url, site: '/a/Plone' }),
      `VirtualHostBase/${base}/a/Plone/VirtualHostRoot/\${esc:$1}`,
    )
  t.notMatch(conf(two, { url: 'http://x' }), /^UseCanonicalName/m)
  t.equal(target({ isVhm: false }), '${esc:$1}')
  t.match(conf(two, { isVhm: false }), /^ProxyPreserveHost On$/m)
})

void t.test('a path of the host', async t => {
  const url = 'https://x'
  const host = 'VirtualHostBase/https/x:443'
  for (const [prefix, before] of [
    ['/api', '/Plone/VirtualHostRoot/_vh_api/'],
    ['/a/b.c', '/Plone/VirtualHostRoot/_vh_a/_vh_b.c/'],
    ['/++api++', '/Plone/++api++/VirtualHostRoot/'],
    ['/a/++api++', '/Plone/++api++/VirtualHostRoot/_vh_a/'],
  ] as const)
    t.equal(
      target({ url, site: '/Plone', prefix }),
      `${host}${before}\${esc:$1}`,
    )
  const text = conf(two, { prefix: '/++api++' })
  const rules = lines(text).filter(line => line.startsWith('RewriteRule'))
  t.equal(
    rules[0],
    String.raw`RewriteRule "!^/\+\+api\+\+(?:/|$)" "-" [S=${rules.length - 1}]`,
  )
  t.match(text, String.raw`RewriteRule "(?s)^/\+\+api\+\+/?(.*)" "balancer:`)
  t.match(text, '; Path=/++api++; ')
  t.match(text, '"=/++api++/.zope-failover/map"')
  t.match(text, /^<Location "\/\+\+api\+\+">\n *ProxyPreserveHost Off\n/m)
  t.notMatch(text, /^ProxyTimeout/m)
  t.match(
    conf(two, { prefix: '/x', isVhm: false }),
    'RewriteRule "(?s)^/(.*)" "balancer:',
    'a backend without VirtualHostMonster sees the path as it is',
  )
})

const sitePath = (site: string): unknown =>
  /:80(.*)\/VirtualHostRoot/.exec(
    String(target({ url: 'http://x', site })),
  )?.[1]

void t.test('the site of the pool, where no option says it', async t => {
  const yaml = `${two}pools: { default: { site: { path: /my%20site, url: 'https://www.example.org' } } }`
  const text = conf(yaml, { site: undefined })
  const base = 'VirtualHostBase/https/www.example.org:443'
  t.match(text, String.raw`${base}/my\%20site/VirtualHostRoot`)
  t.match(
    conf(yaml, { site: '', url: 'http://a' }),
    'VirtualHostBase/http/a:80/VirtualHostRoot',
  )
  t.match(
    conf(`${two}pools: { default: { site: /Plone } }`, { site: undefined }),
    '%{SERVER_PORT}/Plone/VirtualHostRoot',
    'a path alone says nothing of the URL',
  )
  t.match(conf(two, { site: undefined }), '%{SERVER_PORT}/VirtualHostRoot')
})

void t.test('a site whose path must be escaped', async t => {
  t.equal(sitePath('/my site/Plone'), String.raw`/my\%20site/Plone`)
  t.equal(sitePath('/Plöne'), String.raw`/Pl\%C3\%B6ne`)
  t.equal(sitePath('/++x++y/@@z'), '/++x++y/@@z')
  t.equal(
    sitePath("/a,b$1(c)'#?"),
    String.raw`/a\%2Cb\%241\%28c\%29\%27\%23\%3F`,
  )
})

void t.test('the cookie', async t => {
  const text = conf(two, { cookie: 'ROUTE', url: 'https://x' })
  t.match(
    text,
    'Header add Set-Cookie "ROUTE=%{BALANCER_WORKER_ROUTE}e; Path=/; HttpOnly; SameSite=Lax; Secure"',
  )
  t.match(text, String.raw`"(?:^|;\s*)ROUTE=(zope1|zope2)\s*(?:;|$)" [NV]`)
  t.notMatch(conf(two, { cookie: undefined }), 'Cookie')
})

const cookieAttributes = (
  url: string | undefined,
  cookieSameSite: SameSite,
): string[] =>
  [
    ...conf(two, { url, cookieSameSite }).matchAll(
      /Set-Cookie ".*; HttpOnly; (.*?)" "expr=(.*)"$/gm,
    ),
  ].map(
    ([, attributes = '', condition = '']) =>
      `${attributes}${/ && %\{REQUEST_SCHEME\} .= 'https'/.exec(condition)?.[0] ?? ''}`,
  )

void t.test('Secure with https, and SameSite', async t => {
  const [is, isNot] = ['==', '!='].map(
    operator => ` && %{REQUEST_SCHEME} ${operator} 'https'`,
  )
  for (const [url, sameSite, expected] of [
    ['https://x', 'lax', ['SameSite=Lax; Secure']],
    ['https://x', 'strict', ['SameSite=Strict; Secure']],
    ['https://x', 'none', ['SameSite=None; Secure']],
    ['http://x', 'strict', ['SameSite=Strict']],
    [undefined, 'lax', [`SameSite=Lax; Secure${is}`, `SameSite=Lax${isNot}`]],
    [undefined, 'none', [`SameSite=None; Secure${is}`, `SameSite=Lax${isNot}`]],
  ] as const)
    t.strictSame(cookieAttributes(url, sameSite), expected)
  t.match(problemsOf(two, { url: 'http://x', cookieSameSite: 'none' }), [
    /^--cookie-samesite none must come with an https --url/,
  ])
})

void t.test('the second chance', async t => {
  const text = conf(two)
  for (const status of [500, 502, 503, 504])
    t.match(text, `\n  ErrorDocument ${status} "/%{reqenv:ZF_REST}"\n`)
  t.match(text, 'ErrorDocument 200 "/%{reqenv:REDIRECT_ZF_REST}"')
  t.match(text, 'again=%{zope-failover-again}n')
  const without = conf(two, { isSecondChance: false, failoverAfterMs: 5_000 })
  t.notMatch(without, 'ErrorDocument 200')
  t.notMatch(without, '[E=ZF_PATH:/')
  t.notMatch(without, 'balancer://zp.')
  t.match(without, '\n  ErrorDocument 503 "<p>later</p>"\n')
})

void t.test('patience is for those who can go elsewhere', async t => {
  const text = conf(two, { failoverAfterMs: 4_500, timeoutMs: 90_000 })
  t.strictSame(
    balancersOf(text).filter(name => name.startsWith('zp.')),
    ['zp.zope1.zope2', 'zp.zope2.zope1'],
  )
  t.equal(text.match(/ timeout=5 /g)?.length, 4)
  t.equal(text.match(/ timeout=90 /g)?.length, 6)
  t.match(text, '"balancer://zp.%1.%2/')
  t.notMatch(conf(two), 'zp.')
})

void t.test('their own connections, or used again', async t => {
  const text = conf(two)
  t.match(text, ' timeout=60 disablereuse=On\n')
  t.match(text, /^# Once: .* filter sed$/m)
  t.match(text, 'FilterChain')
  const reused = conf(two, { isReuse: true })
  t.match(reused, ' timeout=60 ttl=60 smax=0\n')
  t.notMatch(reused, 'disablereuse')
  t.notMatch(reused, 'FilterChain')
})

void t.test('tiers without the map', async t => {
  const three = two.replace('}', ', zope3: http://c, zope4: http://d }')
  t.strictSame(steps(two), [
    ...['ZF_LIST zope1', 'ZF_LIST zope2'],
    ...['ZF_LIST zope1', 'ZF_LIST zope2'],
    ...['ZF_LIST zope1', 'ZF_LIST zope2'],
  ])
  t.strictSame(
    steps(
      `${three}pools: { p: { members: [{ name: zope1, tier: 2 }, { name: zope2, tier: 1 }, { name: zope3, tier: 2 }, { name: zope4, weight: 0 }] } }`,
    ),
    [
      ...['ZF_LIST zope2', 'ZF_TIER zope1', 'ZF_TIER zope3', 'turn'],
      ...['ZF_LIST zope2', 'ZF_TIER zope1', 'ZF_TIER zope3', 'turn'],
      ...['ZF_LIST zope2', 'ZF_LIST zope1', 'ZF_LIST zope3'],
    ],
    'by tier; weight 0 is for those who are bound',
  )
})

const pages = (...keptStatuses: string[]): string[] =>
  lines(conf(two, { keptStatuses })).filter(
    line => line.startsWith(`ErrorDocument 5`) && line.includes('later'),
  )

void t.test("pages of the site's own", async t => {
  t.equal(pages().length, 4)
  t.strictSame(
    pages('502', '504').map(line => line.slice(0, 17)),
    ['ErrorDocument 503'],
  )
  t.equal(pages('503').length, 3)
})

void t.test('the maintenance page is one line', async t => {
  const text = conf(two, {
    page: '<p class="a">\n  Wir sind gleich zurück \\o/ 100%{x}\n</p> 🐢',
    retryAfterMs: 1_500,
  })
  t.match(
    text,
    String.raw`ErrorDocument 503 "<p class=\"a\"> Wir sind gleich zur&#252;ck \\o/ 100% {x} </p> &#128034;"`,
  )
  t.match(text, 'Retry-After "2"')
})

void t.test('https backends', async t => {
  const tls = two.replaceAll('http:', 'https:')
  t.match(conf(tls), /^SSLProxyVerify require$/m)
  t.match(conf(tls), /a2enmod .* ssl$/m)
  t.match(
    conf(`${tls}probe: { ca: /ca.pem }`),
    /^SSLProxyCACertificateFile \/ca\.pem$/m,
  )
  t.match(conf(`${tls}probe: { verify: false }`), /^SSLProxyVerify none$/m)
  t.notMatch(conf(two), 'SSLProxy')
  t.match(
    problemsOf(
      'backends: { a: https://a, b: { url: https://b, probe: { verify: false } } }',
      {},
    ),
    [/probe\.verify must be the same/],
  )
  t.match(
    problemsOf(
      'backends: { a: https://a, b: { url: https://b, probe: { ca: /b.pem } } }',
      {},
    ),
    [
      /probe\.ca must be the same .*, got \/etc\/ssl\/certs\/ca-certificates\.crt and \/b\.pem$/,
    ],
  )
})

void t.test('paths of httpd itself', async t => {
  t.match(
    conf(two, { local: ['/.well-known/acme-challenge/', '/a'] }),
    String.raw`"^/(?:server\-status|balancer\-manager|\.zope\-failover|\.well\-known/acme\-challenge|a)(?:/|$)"`,
  )
})

void t.test('which pool', async t => {
  const pools = (names: string): string =>
    `${two}pools: { ${names
      .split(' ')
      .map(name => `${name}: { members: [zope2] }`)
      .join(', ')} }`
  t.equal(asked(two), 'default')
  t.equal(asked(pools('only')), 'only', 'the only one')
  t.equal(asked(pools('a default')), 'default')
  t.equal(asked(pools('a b'), 'b'), 'b')
  t.strictSame(problemsOf(pools('a b'), {}), [
    '--pool must name one of the pools (a, b), got nothing',
  ])
  t.strictSame(problemsOf(two, { pool: 'c' }), [
    '--pool must name one of the pools (default), got "c"',
  ])
})

void t.test('what cannot be written in httpd.conf is refused', async t => {
  for (const [options, problem] of [
    [{ url: 'http://x/path' }, /^--url must be/],
    [{ url: 'ftp://x' }, /^--url must be/],
    [{ site: 'Plone' }, /^--site must be/],
    [{ site: '/Plone/' }, /^--site must be/],
    [{ site: '/a%20b' }, /^--site must be/],
    [{ site: '/a/../b' }, /^--site must be/],
    [{ site: '/a\nb' }, /^--site must be/],
    [{ site: '/VirtualHostRoot/x' }, /^--site must be/],
    [{ prefix: 'api' }, /^--prefix must be/],
    [{ prefix: '/' }, /^--prefix must be/],
    [{ prefix: '/api/' }, /^--prefix must be/],
    [{ prefix: '/a b' }, /^--prefix must be/],
    [{ prefix: '/..' }, /^--prefix must be/],
    [{ prefix: '/_vh_x' }, /^--prefix must be/],
    [{ prefix: '/++api++/x' }, /^--prefix must be/],
    [{ prefix: '/.zope-failover' }, /^--prefix must be/],
    [{ part: 'server', prefix: '/api' }, /^--prefix must be left out/],
    [{ cookie: 'a=b' }, /^--cookie must be/],
    [{ mapUser: 'a b' }, /^--map-user must be/],
    [{ local: ['a'] }, /^--exclude must be/],
    [{ local: ['/a"b'] }, /^--exclude must be/],
    [{ timeoutMs: 500 }, /^--timeout must be/],
    [{ failoverAfterMs: 500 }, /^--failover-after must be/],
    [{ launcher: "/it's/x" }, /^launcher must be/],
    [{ node: 'node' }, /^node must be/],
    [{ configFile: '/etc/${x}' }, /^--config must be/],
    [{ page: 'later' }, /^--maintenance-page must be/],
    [
      { keptStatuses: ['503', '500'] },
      /^--keep-error-document must be 502, 503 or 504, got "500"/,
    ],
    [{ page: '<p>${x}</p>' }, /^--maintenance-page must not/],
  ] as const)
    t.match(problemsOf(two, options), [problem], JSON.stringify(options))
  t.match(problemsOf(`directory: /run/100%\n${two}`, {}), [
    /^directory must be an absolute path/,
    /^directory must be printable/,
  ])
  t.equal(
    problemsOf(two, { site: 'x', url: 'x', cookie: '' }).length,
    3,
    'all at once',
  )
})

void t.test('the parts for several sites are the whole', async t => {
  const yaml = `
backends: { a: http://a, b: http://b, c: https://c }
pools: { p: { members: [a, b] }, q: { members: [b, c, a] } }
`
  const server = conf(yaml, { part: 'server', isWebSocket: true })
  t.strictSame(
    balancersOf(server),
    'zf.a zf.b zf.c zf.a.b zf.b.a zf.b.c zf.c.b zf.c.a zf.a.c'.split(' '),
    'each backend, and each pair that a pool has, once',
  )
  t.match(server, /^# Once: .* ssl/m)
  t.match(server, 'RewriteMap zope "prg:')
  t.match(server, ' upgrade=websocket\n')
  t.notMatch(server, /^(?:RewriteRule|RewriteOptions|ErrorDocument|Header) /m)
  const pool = { pool: 'q', url: 'https://q' }
  const site = conf(yaml, { part: 'site', ...pool })
  t.match(site, /^RewriteOptions Inherit$/m)
  t.match(site, /^SSLProxyEngine On$/m)
  t.notMatch(site, /^(?:RewriteMap|<Proxy|BalancerMember|LogFormat) /m)
  const whole = new Set(lines(conf(yaml, pool)))
  for (const line of lines(site))
    if (line !== 'RewriteOptions Inherit') t.ok(whole.has(line), line)
  for (const part of ['server', 'site'] as const)
    t.match(
      problemsOf(yaml, {
        part,
        pool: 'p',
        site: '/x',
        url: 'http://x',
        mapUser: 'x',
        maxConnections: 1,
        isWebSocket: true,
        observer: '/x.js',
      }),
      part === 'server'
        ? [/^--pool must be left .* --part site$/, /^--url /, /^--site /]
        : [
            /^--map-user .* --part server$/,
            /^--max-connections /,
            /^--web/,
            /^--observe /,
          ],
    )
  t.match(
    conf(yaml, { part: 'server', observer: '/x.js' }),
    /^GlobalLog "\|/m,
    'virtual hosts with their own logs are seen, too',
  )
})

void t.test('what a style cannot do is refused', async t => {
  t.strictSame(problemsOf(two, { style: 'txt', affinity: 'url' }), [
    '--affinity must be none with --style txt, got "url"; only the map program supports affinity: --style prg',
  ])
  t.strictSame(problemsOf(two, { style: 'sentinel', launcher: 'x' }), [])
})

void t.test('the observer, when asked for', async t => {
  t.notMatch(conf(two), 'zope_failover_observe')
  const text = conf(two, {
    observer: '/opt/z f/cli.js',
    configFile: '/etc/z f.yaml',
  })
  t.match(
    text,
    `CustomLog "|$w=1; until /usr/bin/node '/opt/z f/cli.js' observe --config '/etc/z f.yaml'; do timeout $w cat >/dev/null; [ $? = 124 ] || exit; w=30; done" zope_failover_observe env=ZF_ANSWER`,
  )
  const format = lines(text).find(line => line.startsWith('LogFormat "zf1 '))
  t.notMatch(format, /%[<>]?[rUqhHlu]|\}i/, 'nothing that a visitor sent')
})

void t.test('a path for balancers', t => {
  const yaml = `${two}front: {}\n`
  const ruleOf = (options: Partial<RenderOptions>): string | undefined =>
    lines(conf(yaml, options)).find(line => line.includes('front.up" [END]'))
  t.equal(ruleOf({}), undefined, 'only where it is asked for')
  t.equal(
    ruleOf({ up: '/up' }),
    'RewriteRule "^/up$" "/run/zope-failover/front.up" [END]',
  )
  t.match(ruleOf({ up: '/a.b/up' }), '"^/a\\.b/up$"')
  // before the jump over the rules of a prefix, which is as long as without it
  const jump = (options: Partial<RenderOptions>): string | undefined =>
    lines(conf(yaml, { prefix: '/api', ...options })).find(line =>
      line.startsWith('RewriteRule "!^/api'),
    )
  t.equal(jump({ up: '/up' }), jump({}))
  t.ok(ruleOf({ up: '/up', prefix: '/api', part: 'site' }))
  t.match(problemsOf(two, { up: '/up' }), [
    /--up must come with the key "front"/,
  ])
  t.match(problemsOf(yaml, { up: '/up', part: 'server' }), [
    /--up must be left out with --part server/,
  ])
  for (const up of [
    'up',
    '/',
    '/up/',
    '/.zope-failover',
    '/.zope-failover/x',
    '/u p',
  ])
    t.match(problemsOf(yaml, { up }), [/--up must be a path such as \/up/], up)
  t.end()
})
