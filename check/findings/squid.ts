// What goes wrong with a Squid in front of Zope. Each rule was seen on a real
// Squid 5.7, 6.13 or 7.7. Pure.
import type { Config } from '../../config/config.ts'
import { locationOf } from '../finding.ts'
import type { Finding } from '../finding.ts'
import type { SquidConf, SquidLine } from '../squid-conf.ts'

export type SquidFacts = {
  readonly file: string
  readonly conf: SquidConf
  /** our configuration, absolute */
  readonly configFile: string
  readonly config: Config
  /** what `squid -k parse` said; null = no squid was found */
  readonly parse: { readonly isGood: boolean; readonly text: string } | null
  /** the answer of the helper, run as Squid's user; null = it was not asked */
  readonly helper: { readonly isGood: boolean; readonly text: string } | null
  /** the AppArmor profile of squid is in force */
  readonly isConfined: boolean
}

export function squidFindings(facts: SquidFacts): Finding[] {
  const { conf, file } = facts
  if (conf.unreadable.includes(file))
    return [
      finding('squid-conf-unreadable', 'error', null, {
        what: `${file} cannot be read`,
        why: 'nothing is known of this Squid',
        remedy:
          'name the right file: zope-failover check --squid FILE, as root',
      }),
    ]
  const asker = askerOf(conf)
  return [
    ...unreadable(facts),
    ...parseFindings(facts),
    ...peerFindings(facts),
    ...orderFindings(conf),
    ...(asker === undefined ? notAsked(facts) : askerFindings(facts, asker)),
    ...linesOf(conf, 'icp_port').flatMap(port => icpFindings(facts, port)),
  ]
}

type Texts = Pick<Finding, 'what' | 'why' | 'remedy'>

function finding(
  code: string,
  severity: Finding['severity'],
  at: SquidLine | null,
  texts: Texts,
): Finding {
  return {
    code,
    severity,
    ...texts,
    where: at === null ? null : locationOf(at),
  }
}

function linesOf(conf: SquidConf, directive: string): SquidLine[] {
  return conf.lines.filter(({ words: [first] }) => first === directive)
}

function lastOf(conf: SquidConf, directive: string): SquidLine | undefined {
  return linesOf(conf, directive).at(-1)
}

const printAgain =
  'print the part again: zope-failover squid-conf --output FILE'

function unreadable({ conf }: SquidFacts): Finding[] {
  return conf.unreadable.map(file =>
    finding('squid-conf-unreadable', 'error', null, {
      what: `${file} is included and cannot be read`,
      why: 'Squid does not start with it',
      remedy: `create ${file}, or remove the include`,
    }),
  )
}

function parseFindings({ parse, file }: SquidFacts): Finding[] {
  if (parse === null)
    return [
      finding('squid-missing', 'info', null, {
        what: 'squid was not found, so its own check was not run',
        why: 'only Squid knows all of its directives',
        remedy: `squid -k parse -f ${file}`,
      }),
    ]
  return parse.isGood
    ? []
    : [
        finding('squid-conf-refused', 'error', null, {
          what: `squid -k parse refuses ${file}: ${parse.text}`,
          why: 'Squid does not start with it, and a reconfigure ends a running one',
          remedy: `correct it, then: squid -k parse -f ${file}`,
        }),
      ]
}

/** Every backend must be a peer of its name, at its address. */
function peerFindings({ conf, config }: SquidFacts): Finding[] {
  const peers = linesOf(conf, 'cache_peer')
  return config.backends.flatMap(({ name, host, port }): Finding[] => {
    const peer = peers.find(({ words }) => words.includes(`name=${name}`))
    if (peer === undefined)
      return [
        finding('squid-peer-missing', 'error', null, {
          what: `${name} is no cache_peer`,
          why: 'visitors for it go to any other backend, or get 502',
          remedy: printAgain,
        }),
      ]
    const [, peerHost, , peerPort] = peer.words
    return peerHost === host && peerPort === String(port)
      ? []
      : [
          finding('squid-peer-elsewhere', 'error', peer, {
            what: `${name} is ${peerHost}:${peerPort} here and ${host}:${port} in the configuration`,
            why: 'the monitor judges another server than the one visitors get',
            remedy: printAgain,
          }),
        ]
  })
}

/** http_access takes the first line that matches. */
function orderFindings(conf: SquidConf): Finding[] {
  const access = linesOf(conf, 'http_access')
  const ours = access.findIndex(({ words }) => words.includes('zf_words'))
  const direct = linesOf(conf, 'never_direct')[0]
  return [
    ...access.slice(0, Math.max(0, ours)).flatMap((line): Finding[] => {
      const [, action, ...acls] = line.words
      if (action === 'deny' && acls.join(' ') === 'all')
        return [
          finding('squid-part-unreachable', 'error', line, {
            what: 'http_access deny all stands before the part of zope-failover',
            why: 'every visitor is refused',
            remedy: 'move the include before this line',
          }),
        ]
      return action === 'allow'
        ? [
            finding('squid-part-late', 'warning', line, {
              what: `http_access ${line.words.slice(1).join(' ')} stands before the part of zope-failover`,
              why: 'what it allows is not checked for VirtualHostMonster words',
              remedy: 'move the include before this line',
            }),
          ]
        : []
    }),
    ...(direct === undefined ||
    direct.words.join(' ') !== 'never_direct allow all'
      ? [
          finding('squid-goes-direct', 'error', direct ?? null, {
            what: 'never_direct allow all is missing, or another line comes first',
            why: 'Squid may fetch pages by itself, past every verdict, for anyone',
            remedy:
              'write never_direct allow all before other never_direct lines',
          }),
        ]
      : []),
  ]
}

/** The line that starts our helper. */
function askerOf(conf: SquidConf): SquidLine | undefined {
  return conf.lines.find(
    ({ words }) =>
      (words[0] === 'url_rewrite_program' ||
        words[0] === 'external_acl_type') &&
      words.some(
        word =>
          /(?:^|\/)squid\/main\.js$/.test(word) || word === 'squid-helper',
      ),
  )
}

function notAsked({ conf, file }: SquidFacts): Finding[] {
  if (linesOf(conf, 'icp_port').length > 0) return []
  return [
    finding('squid-not-asking', 'error', null, {
      what: `nothing in ${file} asks zope-failover`,
      why: 'Squid chooses by itself: no drain, no maintenance, frozen Zopes stay in use',
      remedy:
        'zope-failover squid-conf --output /etc/squid/zope-failover.conf, and include it',
    }),
  ]
}

function askerFindings(facts: SquidFacts, asker: SquidLine): Finding[] {
  const { conf, configFile, helper, isConfined } = facts
  const isRedirector = asker.words[0] === 'url_rewrite_program'
  const children = isRedirector ? lastOf(conf, 'url_rewrite_children') : asker
  const words = children?.words ?? []
  const valueOf = (name: string): string | undefined =>
    words.find(word => word.startsWith(`${name}=`))?.slice(name.length + 1)
  const startup = valueOf(isRedirector ? 'startup' : 'children-startup')
  const at = children ?? asker
  const given = asker.words[asker.words.indexOf('--config') + 1]
  const all: (Finding | false)[] = [
    !(Number(valueOf('concurrency')) >= 1) &&
      finding('squid-concurrency', 'error', at, {
        what: 'the helper has no concurrency=',
        why: 'without it Squid has no time limit: a helper that is stopped stops every request',
        remedy: 'write concurrency=1000',
      }),
    startup !== '0' &&
      finding('squid-startup', 'error', at, {
        what: `the helper is started beforehand (startup=${startup ?? 'left out'})`,
        why: 'Squid exits when a helper that has answered nothing yet ends',
        remedy: `write ${isRedirector ? 'startup=0 idle=1' : 'children-startup=0 children-idle=1'}`,
      }),
    // external_acl_type knows no such word
    isRedirector &&
      valueOf('on-persistent-overload') !== 'ERR' &&
      finding('squid-overload', 'warning', at, {
        what: 'on-persistent-overload=ERR is missing',
        why: 'Squid exits when its queue for the helper is full for three minutes',
        remedy: 'write on-persistent-overload=ERR',
      }),
    asker.words.includes('--config') &&
      given !== configFile &&
      finding('squid-other-config', 'error', asker, {
        what: `the helper reads ${given}, not ${configFile}`,
        why: 'it answers for other backends than the monitor judges',
        remedy: printAgain,
      }),
    helper !== null &&
      !helper.isGood &&
      finding('squid-helper-fails', 'error', asker, {
        what: `the helper gave no answer of use, run as Squid's user: ${helper.text}`,
        why: 'Squid goes on without verdicts, or exits',
        remedy:
          'let that user read the configuration and the directory, and enter every directory on the way to the program',
      }),
    isConfined &&
      finding('squid-confined', 'warning', asker, {
        what: "AppArmor's profile for squid is in force",
        why: 'it forbids helpers outside /usr/lib/squid',
        remedy:
          'allow node and this package in /etc/apparmor.d/local/usr.sbin.squid',
      }),
    ...(isRedirector ? redirectorFindings(conf, asker) : []),
  ]
  return all.filter(one => one !== false)
}

function redirectorFindings(
  conf: SquidConf,
  asker: SquidLine,
): (Finding | false)[] {
  const extras = lastOf(conf, 'url_rewrite_extras')
  const timeout = lastOf(conf, 'url_rewrite_timeout')
  return [
    (extras === undefined || extras.words.some(word => word.includes('%>A'))) &&
      finding('squid-extras', 'error', extras ?? asker, {
        what:
          extras === undefined
            ? 'url_rewrite_extras is left out'
            : 'url_rewrite_extras has %>A',
        why: 'Squid looks up the name of every visitor in the DNS, and the helper gets no pool',
        remedy:
          'write url_rewrite_extras "default %{Cookie:;zope_route}>h", with your pool and cookie',
      }),
    (timeout === undefined || !timeout.words.join(' ').includes('bypass')) &&
      finding('squid-timeout', 'warning', timeout ?? asker, {
        what: 'url_rewrite_timeout … on_timeout=bypass is missing',
        why: 'a helper that hangs fails requests, or holds them',
        remedy: 'write url_rewrite_timeout 2 seconds on_timeout=bypass',
      }),
  ]
}

function icpFindings(
  { conf, config }: SquidFacts,
  icpPort: SquidLine,
): Finding[] {
  const own = lastOf(conf, 'udp_incoming_address')
  const limit = lastOf(conf, 'icp_query_timeout')
  const peers = linesOf(conf, 'cache_peer')
  const all: (Finding | false)[] = [
    limit === undefined &&
      finding('squid-icp-timeout', 'warning', icpPort, {
        what: 'icp_query_timeout is left out',
        why: 'Squid then guesses one, down to 5 ms: late answers are lost, and with them the others',
        remedy: 'write icp_query_timeout 100',
      }),
    own !== undefined &&
      peers.some(({ words }) => words[1] === own.words[1]) &&
      finding('squid-icp-deaf', 'error', own, {
        what: `udp_incoming_address ${own.words[1]} is also the address of a peer`,
        why: 'Squid takes its answers for its own and drops them',
        remedy: 'leave udp_incoming_address out, or use another address',
      }),
    ...(config.icp?.listen ?? []).map(({ backend, port }) => {
      const peer = peers.find(({ words }) => words.includes(`name=${backend}`))
      return (
        peer !== undefined &&
        peer.words[4] !== String(port) &&
        finding('squid-icp-port', 'error', peer, {
          what: `${backend} is asked on UDP port ${peer.words[4]}, its responder listens on ${port}`,
          why: 'every request waits 100 ms for an answer that never comes',
          remedy: printAgain,
        })
      )
    }),
  ]
  return all.filter(one => one !== false)
}
