import { readFileSync } from 'node:fs'
import t from 'tap'
import { parseConfig } from '../../../config/parse.ts'
import { ConfigError } from '../../../config/problem.ts'
import {
  renderSquidConf,
  type SquidConfOptions,
} from '../../../squid/render.ts'

const template = readFileSync('squid/squid.conf', 'utf8')

const defaults: SquidConfOptions = {
  style: 'helper',
  pool: undefined,
  site: [],
  url: [],
  cookie: 'zope_route',
  affinity: 'none',
  timeoutMs: 120_000,
  retryAfterMs: 30_000,
  page: '/usr/share/page.html',
  launcher: '/opt/zf/keep.sh',
  node: '/usr/bin/node',
  main: '/opt/zf/main.js',
  configFile: '/etc/zope-failover.yaml',
  command: 'zope-failover squid-conf',
  version: '0.1.0',
}

const two =
  'backends:\n  zope1: http://10.0.0.1:8080\n  zope2: http://10.0.0.2:8080\n'
const pools = `${two}pools:
  www: { members: [zope1, zope2] }
  intra: { members: [zope2] }
`
const icp =
  'icp: { listen: { zope1: 127.0.0.1:3131, zope2: 127.0.0.1:3132 } }\n'

function linesOf(
  yaml: string,
  options: Partial<SquidConfOptions> = {},
): string[] {
  return renderSquidConf(template, parseConfig(yaml, 'test.yaml'), {
    ...defaults,
    ...options,
  })
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
}

function problemsOf(yaml: string, options: Partial<SquidConfOptions>) {
  try {
    linesOf(yaml, options)
  } catch (err) {
    if (err instanceof ConfigError) return err.problems
    throw err
  }
  return []
}

void t.test('one pool', t => {
  t.strictSame(linesOf(two), [
    'never_direct allow all',
    'cache_peer 10.0.0.1 parent 8080 0 name=zope1 originserver connect-fail-limit=1000000 no-query no-digest no-netdb-exchange round-robin',
    'cache_peer 10.0.0.2 parent 8080 0 name=zope2 originserver connect-fail-limit=1000000 no-query no-digest no-netdb-exchange round-robin',
    'cache_peer 10.0.0.1 parent 8080 0 name=zope1.next originserver connect-fail-limit=1000000 no-query no-digest no-netdb-exchange',
    'cache_peer 10.0.0.2 parent 8080 0 name=zope2.next originserver connect-fail-limit=1000000 no-query no-digest no-netdb-exchange',
    'acl zf_steered note backend_',
    'acl zf_to_zope1 note backend_ zope1',
    'acl zf_next_zope1 note next_ zope1',
    'cache_peer_access zope1 deny zf_steered !zf_to_zope1',
    'cache_peer_access zope1.next allow zf_next_zope1',
    'cache_peer_access zope1.next deny all',
    'acl zf_to_zope2 note backend_ zope2',
    'acl zf_next_zope2 note next_ zope2',
    'cache_peer_access zope2 deny zf_steered !zf_to_zope2',
    'cache_peer_access zope2.next allow zf_next_zope2',
    'cache_peer_access zope2.next deny all',
    'retry_on_error on',
    'read_timeout 120 seconds',
    'connect_timeout 2 seconds',
    'acl zf_words urlpath_regex (^|/)(VirtualHostBase|VirtualHostRoot|_vh_[^/?]*)([/?]|$)',
    'deny_info 404:ERR_INVALID_URL zf_words',
    'http_access deny zf_words',
    'http_access allow all',
    'url_rewrite_program /opt/zf/keep.sh /usr/bin/node /opt/zf/main.js --config /etc/zope-failover.yaml --directory /run/zope-failover',
    'url_rewrite_children 2 startup=0 idle=1 concurrency=1000 queue-size=1000 on-persistent-overload=ERR',
    'url_rewrite_timeout 2 seconds on_timeout=bypass',
    'url_rewrite_extras "default %{Cookie:;zope_route}>h"',
    'acl zf_none note backend_ none',
    'adapted_http_access deny zf_none',
    'deny_info 503:../../../../../../../../../../../../usr/share/page.html zf_none',
    'reply_header_add Retry-After 30 zf_none',
    'adapted_http_access allow all',
    'acl zf_bind note bind_ 1',
    'acl zf_tls proto HTTPS',
    'acl zf_public rep_header Cache-Control -i (^|[,[:space:]])(public|s-maxage=[1-9])',
    'reply_header_add Set-Cookie "zope_route=%{backend_}note; Path=/; HttpOnly; SameSite=Lax" zf_bind !zf_public !zf_tls',
    'reply_header_add Set-Cookie "zope_route=%{backend_}note; Path=/; HttpOnly; SameSite=Lax; Secure" zf_bind !zf_public zf_tls',
  ])
  t.end()
})

void t.test('several pools: a request without a note stays in its own', t => {
  const lines = linesOf(pools, {
    url: ['www=https://www.example.org', 'intra=http://intra:81'],
    site: ['www=/Plone'],
  })
  for (const line of [
    'acl zf_in_www note pool_ www',
    'cache_peer_access zope1 deny !zf_steered !zf_in_www',
    'cache_peer_access zope2 deny !zf_steered !zf_in_www !zf_in_intra',
    'acl zf_host_www dstdomain www.example.org',
    'acl zf_pool_www annotate_transaction pool_=www',
    'http_access allow zf_host_www zf_pool_www',
    'http_access allow zf_host_intra zf_pool_intra',
    'http_access deny all',
    'url_rewrite_extras "%{pool_}note %{Cookie:;zope_route}>h"',
    'url_rewrite_program /opt/zf/keep.sh /usr/bin/node /opt/zf/main.js --config /etc/zope-failover.yaml --directory /run/zope-failover --site www=/Plone --url www=https://www.example.org --url intra=http://intra:81',
    'adapted_http_access deny !zf_steered',
  ])
    t.ok(lines.includes(line), line)
  t.notOk(lines.includes('http_access allow all'))
  t.ok(
    linesOf(pools, { url: ['www=http://w'] }).includes(
      'http_access allow zf_pool_intra',
    ),
    'one pool may have no host: all others',
  )
  t.end()
})

void t.test('the site of a pool, where no option says it', t => {
  const yaml = `${two}pools:
  www: { members: [zope1], site: { path: /my%2Bsite, url: 'https://www.example.org' } }
  intra: { members: [zope2], site: / }
`
  const helperOf = (options: Partial<SquidConfOptions>) =>
    linesOf(yaml, options).find(line => line.startsWith('url_rewrite_program'))
  const found = (options: Partial<SquidConfOptions>) =>
    helperOf(options)?.replace(/^.* \/run\/zope-failover/, '')
  t.equal(
    found({}),
    ' --site www=/my+site --site intra=/ --url www=https://www.example.org:443',
  )
  t.equal(
    found({ pool: 'intra' }),
    ' --site intra=/',
    'of the pools that are printed',
  )
  t.equal(
    found({ site: ['www=/other'], url: ['www=http://w'] }),
    ' --site www=/other --site intra=/ --url www=http://w',
  )
  t.equal(
    found({ pool: 'www', site: ['/all'], url: ['https://a'] }),
    ' --site /all --url https://a',
  )
  t.ok(
    linesOf(yaml, { style: 'external-acl' }).includes(
      'acl zf_host_www dstdomain www.example.org',
    ),
    'without rewriting the URL counts alone',
  )
  t.end()
})

void t.test('the cookie is Secure where every visitor comes by https', t => {
  const secure = linesOf(two, { url: ['https://a'] }).filter(line =>
    line.includes('Set-Cookie'),
  )
  t.match(secure, [/Secure" zf_bind !zf_public$/])
  const plain = linesOf(two, { url: ['http://a'] }).filter(line =>
    line.includes('Set-Cookie'),
  )
  t.match(plain, [/SameSite=Lax" zf_bind !zf_public$/])
  const none = linesOf(two, { cookie: undefined, affinity: 'address' })
  t.notMatch(none.join('\n'), 'Set-Cookie')
  t.ok(none.includes('url_rewrite_extras "default - %>a"'))
  t.end()
})

void t.test('as an acl', t => {
  const lines = linesOf(two, { style: 'external-acl' })
  t.ok(lines.includes('acl zf_ask_default external zope_failover default'))
  t.ok(lines.includes('http_access allow zf_ask_default'))
  t.match(
    lines.join('\n'),
    /external_acl_type zope_failover .*concurrency=1000.* %URI %DATA %\{Cookie:;zope_route\}>h \/opt\/zf\/keep\.sh \/usr\/bin\/node/,
  )
  t.notMatch(lines.join('\n'), 'url_rewrite')
  t.end()
})

void t.test('ICP', t => {
  const lines = linesOf(`${two}${icp}`, { style: 'icp' })
  t.ok(
    lines.includes(
      'cache_peer 10.0.0.1 parent 8080 3131 name=zope1 originserver connect-fail-limit=1000000 no-digest no-netdb-exchange',
    ),
  )
  t.ok(lines.includes('icp_query_timeout 100'))
  t.notMatch(lines.join('\n'), /\.next|zf_steered|Set-Cookie|url_rewrite/)
  t.end()
})

void t.test('TLS backends', t => {
  const yaml =
    'backends:\n  a: https://a:443\n  b: { url: https://b, probe: { verify: false } }\n'
  const lines = linesOf(yaml).filter(
    line => line.startsWith('cache_peer ') && line.includes('.next'),
  )
  t.match(lines, [
    / tls tls-default-ca=on$/,
    / tls tls-default-ca=on sslflags=DONT_VERIFY_PEER$/,
  ])
  t.end()
})

function wholeText(url: string[]): string {
  return renderSquidConf(template, parseConfig(two, 'x'), { ...defaults, url })
}

void t.test('the head says which ports to add', t => {
  t.match(
    wholeText([]),
    '#              http_port 80 accel vhost defaultsite=www.example.org\n',
  )
  t.match(
    wholeText(['https://a:8443']),
    '#              https_port 8443 accel vhost defaultsite=a tls-cert=/etc/squid/a.pem\n',
  )
  t.match(
    wholeText(['http://a']),
    '#              http_port 80 accel vhost defaultsite=a\n',
  )
  t.end()
})

void t.test('what cannot be written', t => {
  for (const [yaml, options, problems] of [
    [
      two,
      { pool: 'x' },
      [/^--pool must name one of the pools \(default\), got "x"/],
    ],
    [
      two,
      { site: ['x=/P', 'bad'] },
      [/^--site must be a path/, /^--site and --url must name pools/],
    ],
    [
      two,
      { cookie: 'a b', timeoutMs: 10 },
      [/^--cookie must/, /^--timeout must be at least 1s/],
    ],
    [
      pools,
      {},
      [/^--url must name the host of every pool but one .*missing: www, intra/],
    ],
    [
      two,
      { style: 'external-acl', site: ['/P'] },
      [/^--site must be left out with --style external-acl.*Mappings/],
    ],
    [
      `${pools}${icp.replace(' }\n', ', pool: www }\n')}`,
      { style: 'icp' },
      [/^--pool must name one pool with --style icp/],
    ],
    [two, { style: 'icp' }, [/^icp.listen must have .* missing: zope1, zope2/]],
    [two, { node: '/a b' }, [/^squid.conf cannot hold "\/a b"/]],
  ] as const)
    t.match(problemsOf(yaml, options), problems, JSON.stringify(options))
  t.end()
})
