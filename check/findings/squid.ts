// What goes wrong with a Squid in front of Zope. Each rule was observed on a real
// Squid 5.7, 6.13 or 7.7. Pure.
import type { Config } from '../../config/config.ts'
import { locationOf, type Finding } from '../finding.ts'
import type { SquidConf, SquidLine } from '../squid-conf.ts'

export type SquidFacts = {
  readonly file: string
  readonly conf: SquidConf
  /** path of our configuration, absolute */
  readonly configFile: string
  readonly config: Config
  /** output of `squid -k parse`; null = no squid was found */
  readonly parse: { readonly isGood: boolean; readonly text: string } | null
  /** the helper's answer when run as Squid's user; null = it was not run */
  readonly helper: { readonly isGood: boolean; readonly text: string } | null
  /** the AppArmor profile of squid is enforced */
  readonly isConfined: boolean
}

export function squidFindings(facts: SquidFacts): Finding[] {
  const { conf, file } = facts
  if (conf.unreadable.includes(file))
    return [
      finding('squid-conf-unreadable', 'error', null, {
        what: `${file} cannot be read`,
        why: 'this Squid was not checked',
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
  'generate the file again: zope-failover squid-conf --output FILE'

function unreadable({ conf }: SquidFacts): Finding[] {
  return conf.unreadable.map(file =>
    finding('squid-conf-unreadable', 'error', null, {
      what: `${file} is included but cannot be read`,
      why: 'Squid does not start with it',
      remedy: `create ${file}, or remove the include`,
    }),
  )
}

function parseFindings({ parse, file }: SquidFacts): Finding[] {
  if (parse === null)
    return [
      finding('squid-missing', 'info', null, {
        what: 'squid was not found, so squid -k parse was not run',
        why: 'only Squid itself knows all of its directives',
        remedy: `squid -k parse -f ${file}`,
      }),
    ]
  return parse.isGood
    ? []
    : [
        finding('squid-conf-refused', 'error', null, {
          what: `squid -k parse rejects ${file}: ${parse.text}`,
          why: 'Squid does not start with it, and a reconfigure stops a running one',
          remedy: `fix it, then: squid -k parse -f ${file}`,
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
          what: `there is no cache_peer ${name}`,
          why: 'its visitors go to any other backend, or get 502',
          remedy: printAgain,
        }),
      ]
    const [, peerHost, , peerPort] = peer.words
    return peerHost === host && peerPort === String(port)
      ? []
      : [
          finding('squid-peer-elsewhere', 'error', peer, {
            what: `${name} is ${peerHost}:${peerPort} here and ${host}:${port} in the configuration`,
            why: 'the monitor probes a different server than the one that serves visitors',
            remedy: printAgain,
          }),
        ]
  })
}

/** The first matching http_access line counts. */
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
            what: 'http_access deny all comes before the zope-failover part',
            why: 'every visitor is denied',
            remedy: 'move the include before this line',
          }),
        ]
      return action === 'allow'
        ? [
            finding('squid-part-late', 'warning', line, {
              what: `http_access ${line.words.slice(1).join(' ')} comes before the zope-failover part`,
              why: 'requests it allows are not checked for VirtualHostMonster words',
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
            why: 'Squid may fetch pages directly, ignoring every verdict, for anyone',
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
      why: 'Squid chooses backends itself: drain and maintenance have no effect, and frozen Zopes stay in use',
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
        why: 'without it Squid has no time limit: a stopped helper blocks every request',
        remedy: 'write concurrency=1000',
      }),
    startup !== '0' &&
      finding('squid-startup', 'error', at, {
        what: `Squid starts the helper in advance (startup=${startup ?? 'not set'})`,
        why: 'Squid exits if a helper ends before its first answer',
        remedy: `write ${isRedirector ? 'startup=0 idle=1' : 'children-startup=0 children-idle=1'}`,
      }),
    // external_acl_type has no such option
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
        why: 'it answers for different backends than the monitor probes',
        remedy: printAgain,
      }),
    helper !== null &&
      !helper.isGood &&
      finding('squid-helper-fails', 'error', asker, {
        what: `the helper gave no usable answer when run as Squid's user: ${helper.text}`,
        why: 'Squid continues without verdicts, or exits',
        remedy:
          'allow that user to read the configuration and the directory, and to enter every directory on the path to the program',
      }),
    isConfined &&
      finding('squid-confined', 'warning', asker, {
        what: "AppArmor's profile for squid is enforced",
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
            ? 'url_rewrite_extras is not set'
            : 'url_rewrite_extras has %>A',
        why: 'Squid makes a reverse DNS lookup for every visitor, and the helper gets no pool',
        remedy:
          'write url_rewrite_extras "default %{Cookie:;zope_route}>h", with your pool and cookie',
      }),
    (timeout === undefined || !timeout.words.join(' ').includes('bypass')) &&
      finding('squid-timeout', 'warning', timeout ?? asker, {
        what: 'url_rewrite_timeout … on_timeout=bypass is missing',
        why: 'a hanging helper fails or delays requests',
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
        what: 'icp_query_timeout is not set',
        why: 'Squid then estimates one, as low as 5 ms: late answers are lost, and the rest with them',
        remedy: 'write icp_query_timeout 100',
      }),
    own !== undefined &&
      peers.some(({ words }) => words[1] === own.words[1]) &&
      finding('squid-icp-deaf', 'error', own, {
        what: `udp_incoming_address ${own.words[1]} is also the address of a peer`,
        why: 'Squid mistakes its answers for its own and drops them',
        remedy: 'remove udp_incoming_address, or use another address',
      }),
    ...(config.icp?.listen ?? []).map(({ backend, port }) => {
      const peer = peers.find(({ words }) => words.includes(`name=${backend}`))
      return (
        peer !== undefined &&
        peer.words[4] !== String(port) &&
        finding('squid-icp-port', 'error', peer, {
          what: `${backend} is asked on UDP port ${peer.words[4]}, but its responder listens on ${port}`,
          why: 'every request waits 100 ms for an answer that never comes',
          remedy: printAgain,
        })
      )
    }),
  ]
  return all.filter(one => one !== false)
}
