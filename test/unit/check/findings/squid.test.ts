import { readFileSync } from 'node:fs'
import t from 'tap'
import {
  squidFindings,
  type SquidFacts,
} from '../../../../check/findings/squid.ts'
import { parseSquidConf } from '../../../../check/squid-conf.ts'
import { parseConfig } from '../../../../config/parse.ts'
import { renderSquidConf, type SquidStyle } from '../../../../squid/render.ts'

const configFile = '/etc/zope-failover.yaml'
const config = parseConfig(
  `backends:
  zope1: http://10.0.0.1:8080
  zope2: http://10.0.0.2:8080
icp: { listen: { zope1: 127.0.0.1:3131, zope2: 127.0.0.1:3132 } }
`,
  configFile,
)

const { icp: _, ...withoutIcp } = config

function generated(style: SquidStyle): string {
  return renderSquidConf(readFileSync('squid/squid.conf', 'utf8'), config, {
    style,
    pool: undefined,
    site: [],
    url: [],
    cookie: 'zope_route',
    affinity: 'none',
    timeoutMs: 120_000,
    retryAfterMs: 30_000,
    page: '/page.html',
    launcher: '/opt/zf/keep.sh',
    node: '/usr/bin/node',
    main: '/opt/zf/squid/main.js',
    configFile,
    command: 'x',
    version: '1',
  })
}

function codes(
  text: string | undefined,
  facts: Partial<SquidFacts> = {},
): string[] {
  return squidFindings({
    file: 'squid.conf',
    conf: parseSquidConf(
      'squid.conf',
      name => (name === 'squid.conf' ? text : undefined),
      pattern => [pattern],
    ),
    configFile,
    config,
    parse: { isGood: true, text: '' },
    helper: { isGood: true, text: '' },
    isConfined: false,
    ...facts,
  }).map(({ code, where }) =>
    where === null ? code : `${code} ${where.replace(/:\d+$/, '')}`,
  )
}

void t.test('what squid-conf prints has nothing wrong', t => {
  for (const style of ['helper', 'external-acl', 'icp'] as const)
    t.strictSame(codes(generated(style)), [], style)
  t.end()
})

void t.test('each thing that goes wrong', t => {
  const helper = generated('helper')
  const icp = generated('icp')
  for (const [name, text, expected, facts] of [
    ['no file', undefined, ['squid-conf-unreadable'], {}],
    ['an include', `${helper}include other\n`, ['squid-conf-unreadable'], {}],
    ['no squid', helper, ['squid-missing'], { parse: null }],
    [
      'refused by squid',
      helper,
      ['squid-conf-refused'],
      { parse: { isGood: false, text: 'FATAL' } },
    ],
    [
      'a peer is missing',
      helper.replace(/^cache_peer .* name=zope2 .*\n/m, ''),
      ['squid-peer-missing'],
      {},
    ],
    [
      'a peer is elsewhere',
      helper.replace(
        'cache_peer 10.0.0.2 parent 8080',
        'cache_peer 10.0.0.2 parent 8081',
      ),
      ['squid-peer-elsewhere squid.conf'],
      {},
    ],
    [
      'deny all before',
      `http_access allow localhost\nhttp_access deny bad\nhttp_access deny all\n${helper}`,
      ['squid-part-late squid.conf', 'squid-part-unreachable squid.conf'],
      {},
    ],
    [
      'direct',
      helper.replace('never_direct allow all\n', ''),
      ['squid-goes-direct'],
      {},
    ],
    [
      'direct for some',
      `never_direct deny some\n${helper}`,
      ['squid-goes-direct squid.conf'],
      {},
    ],
    [
      'not asked at all',
      helper.replace(/^url_rewrite_program.*\n/m, ''),
      ['squid-not-asking'],
      {},
    ],
    [
      'defaults of url_rewrite_children',
      helper.replace(/^url_rewrite_children.*\n/m, ''),
      [
        'squid-concurrency squid.conf',
        'squid-startup squid.conf',
        'squid-overload squid.conf',
      ],
      {},
    ],
    [
      'startup of an acl',
      generated('external-acl').replace(
        'children-startup=0',
        'children-startup=5',
      ),
      ['squid-startup squid.conf'],
      {},
    ],
    [
      'another configuration',
      helper,
      ['squid-other-config squid.conf'],
      { configFile: '/etc/other.yaml' },
    ],
    [
      'by its command',
      helper.replace(
        /^url_rewrite_program.*$/m,
        'url_rewrite_program /usr/bin/zope-failover squid-helper',
      ),
      [],
      {},
    ],
    [
      'a helper that fails',
      helper,
      ['squid-helper-fails squid.conf'],
      { helper: { isGood: false, text: 'EACCES' } },
    ],
    ['not tried', helper, [], { helper: null }],
    ['AppArmor', helper, ['squid-confined squid.conf'], { isConfined: true }],
    [
      'no extras, no limit',
      helper.replace(/^url_rewrite_(extras|timeout).*\n/gm, ''),
      ['squid-extras squid.conf', 'squid-timeout squid.conf'],
      {},
    ],
    [
      'names looked up, requests failed',
      helper
        .replace(
          'url_rewrite_extras "default',
          'url_rewrite_extras "default %>A',
        )
        .replace('on_timeout=bypass', 'on_timeout=fail'),
      ['squid-extras squid.conf', 'squid-timeout squid.conf'],
      {},
    ],
    [
      'ICP without a limit, and deaf',
      `${icp.replace('icp_query_timeout 100\n', '')}udp_incoming_address 10.0.0.1\n`,
      ['squid-icp-timeout squid.conf', 'squid-icp-deaf squid.conf'],
      {},
    ],
    [
      'another ICP port',
      icp.replace('8080 3132 name=zope2', '8080 9999 name=zope2'),
      ['squid-icp-port squid.conf'],
      {},
    ],
    [
      'ICP for who is no peer',
      icp.replace(/^cache_peer .* name=zope2 .*\n/m, ''),
      ['squid-peer-missing'],
      {},
    ],
    ['ICP with a configuration without it', icp, [], { config: withoutIcp }],
  ] satisfies [string, string | undefined, string[], Partial<SquidFacts>][])
    t.strictSame(codes(text, facts), expected, name)
  t.end()
})
