// httpd as a whole: does it accept its configuration, does it have its modules, its
// locks and logs, and may it see the sentinels? Pure.
import { obstacle } from '../access.ts'
import type { HttpdFacts, OwnFacts } from '../facts.ts'
import { locationOf, type Finding } from '../finding.ts'
import { compareVersions } from '../httpd-conf.ts'
import { ownMap, programOf } from '../map-command.ts'
import {
  mapsOf,
  rulesOf,
  serversOf,
  setting,
  textsOf,
  type RewriteMapping,
  type Servers,
} from '../servers.ts'

export function serverFindings(httpd: HttpdFacts, facts: OwnFacts): Finding[] {
  const servers = serversOf(httpd.conf)
  const programs = servers.flatMap(mapsOf).filter(({ kind }) => kind === 'prg')
  const isNeeded = isUsed(servers, programs, facts)
  return [
    ...weakFindings(httpd),
    ...refusalFindings(httpd),
    ...moduleFindings(httpd),
    ...unseenFindings(httpd),
    ...versionFindings(httpd, programs),
    ...mutexFindings(httpd, programs),
    ...logFindings(httpd, servers, programs),
    ...(isNeeded ? sentinelFindings(httpd, servers, facts) : []),
    ...hiddenFindings(httpd, programs, isNeeded, facts),
    ...memoryFindings(httpd, programs),
  ]
}

/** Whether this httpd has anything to do with the sentinels. */
function isUsed(
  servers: Servers,
  programs: readonly RewriteMapping[],
  { config }: OwnFacts,
): boolean {
  return (
    programs.some(({ argv }) => ownMap(argv) !== undefined) ||
    servers.some(server =>
      rulesOf(server).some(rule =>
        textsOf(rule).some(text => text.includes(`${config.directory}/`)),
      ),
    )
  )
}

function weakFindings({ weak, control }: HttpdFacts): Finding[] {
  if (weak === undefined) return []
  return [
    {
      code: 'conf-writable',
      severity: 'warning',
      what: `${weak.text}, and httpd, started as root, reads it`,
      why: 'a user who can write there becomes root the next time httpd starts (LoadModule, envvars, piped logs), so check did not let httpd read it as root',
      remedy: `chown root: ${weak.path}; chmod go-w ${weak.path}\nthen: ${control} -t`,
      where: weak.path,
    },
  ]
}

/** The directives of these modules that matter here. */
const moduleOf: readonly (readonly [RegExp, string])[] = [
  [/^Rewrite/i, 'rewrite'],
  [/^(?:BalancerMember|BalancerPersist|BalancerGrowth)/i, 'proxy_balancer'],
  [/^(?:Proxy|NoProxy)/i, 'proxy'],
  [/^(?:Header|RequestHeader)/i, 'headers'],
  [/^SSL/i, 'ssl'],
  [/^(?:SetEnvIf|BrowserMatch)/i, 'setenvif'],
]

function refusalFindings({ refusal, control }: HttpdFacts): Finding[] {
  if (refusal === undefined) return []
  const where = /line (\d+) of ([^:\s]+):/.exec(refusal)
  const place = where === null ? null : `${where[2]}:${where[1]}`
  const command = /Invalid command '([^']+)'/.exec(refusal)?.[1]
  const name = moduleOf.find(([pattern]) => pattern.test(command ?? ''))?.[1]
  if (name !== undefined)
    return [
      {
        code: 'module-missing',
        severity: 'error',
        what: `${command} needs the module ${name}, which is not loaded`,
        why: 'httpd does not start or reload with this configuration',
        remedy: `a2enmod ${name}`,
        where: place,
      },
    ]
  if (/permission denied|\(13\)|AH00016|AH02312/i.test(refusal))
    return [
      {
        code: 'unseen-syntax',
        severity: 'info',
        what: `httpd could not read all of its configuration as this user: ${refusal.trim()}`,
        why: 'there may be more syntax errors',
        remedy: 'run check as root',
        where: place,
      },
    ]
  return [
    {
      code: 'syntax',
      severity: 'error',
      what: `httpd rejects its configuration: ${refusal.trim()}`,
      why: 'httpd will not start; at best, a running httpd keeps its old configuration on reload',
      remedy: `fix that line, then: ${control} -t`,
      where: place,
    },
  ]
}

/** Directives that httpd accepts without the module that does the work. */
function moduleFindings({ conf, refusal }: HttpdFacts): Finding[] {
  if (refusal !== undefined) return []
  const members = conf.directives.filter(
    ({ name }) => name === 'balancermember',
  )
  const [first] = members
  const target = (scheme: string) =>
    members.find(({ args }) => args.some(arg => arg.startsWith(scheme)))
  const needs: readonly (readonly [
    string,
    { file: string; line: number } | undefined,
    string,
  ])[] = [
    [
      'proxy_http',
      target('http'),
      'every request to a backend fails: "No protocol handler was valid" (AH01144)',
    ],
    [
      'slotmem_shm',
      first,
      'httpd does not start, although configtest says "Syntax OK" (AH01177)',
    ],
    [
      'lbmethod_byrequests',
      conf.directives.some(({ args }) =>
        args.some(arg => /^lbmethod=(?!byrequests)/.test(arg)),
      )
        ? undefined
        : first,
      'a balancer cannot choose and every request to it fails',
    ],
    [
      'ssl',
      target('https'),
      'every request to an https backend fails: "SSL support not available"',
    ],
  ]
  return needs.flatMap(([name, need, why]): Finding[] =>
    need === undefined || conf.modules.has(`${name}_module`)
      ? []
      : [
          {
            code: 'module-missing',
            severity: 'error',
            what: `the module ${name} is not loaded`,
            why,
            remedy: `a2enmod ${name}`,
            where: locationOf(need),
          },
        ],
  )
}

function unseenFindings({ conf, dump }: HttpdFacts): Finding[] {
  const read = new Set(conf.files)
  const unread = (dump?.files ?? []).filter(
    file => !read.has(file) && !file.includes(' '),
  )
  const texts = [
    ...unread.map(file => ({
      file,
      line: 0,
      text: 'httpd reads it, but check could not',
    })),
    ...conf.problems,
  ]
  return texts.map(problem => ({
    code: 'unseen-conf',
    severity: 'info',
    what: problem.text,
    why: 'this part of the configuration was not checked',
    remedy: 'run check as root, or fix that line',
    where: locationOf(problem),
  }))
}

const fixes: readonly (readonly [string, string])[] = [
  [
    '2.4.56',
    'CVE-2023-25690: a [P] rule can be tricked into sending two requests',
  ],
  [
    '2.4.60',
    'CVE-2024-38473, -38474, -38475, -38477, -39573: escaping and targets of rules and proxy',
  ],
  ['2.4.62', 'CVE-2024-39884, -40725, -40898'],
  ['2.4.64', 'CVE-2024-43204, -43394'],
  ['2.4.65', 'CVE-2025-54090: "RewriteCond expr" is always true in 2.4.64'],
  ['2.4.67', 'CVE-2026-24072'],
]

function versionFindings(
  { version, confFile }: HttpdFacts,
  programs: readonly RewriteMapping[],
): Finding[] {
  if (version === undefined || programs.length === 0) return []
  const open = fixes.filter(([since]) => compareVersions(version, since) < 0)
  const last = open.at(-1)
  if (last === undefined) return []
  return [
    {
      code: 'httpd-old',
      severity: 'info',
      what: `httpd ${version} has known bugs in rewriting and proxying`,
      why: `${open.map(([since, what]) => `${what} (fixed in ${since})`).join('; ')}; a distribution may have fixed them without a new version number`,
      remedy: `update httpd to ${last[0]} or later, or look for these CVE numbers in your package’s changelog`,
      where: confFile,
    },
  ]
}

/** Lock types that are not released when their holder dies. */
const fragile = ['sem', 'posixsem']

function mutexFindings(
  { conf, dump }: HttpdFacts,
  programs: readonly RewriteMapping[],
): Finding[] {
  if (programs.length === 0) return []
  const directive = conf.directives.findLast(
    ({ name, args }) =>
      name === 'mutex' &&
      (args.length === 1 ||
        args.slice(1).some(arg => arg === 'rewrite-map' || arg === 'default')),
  )
  const mechanism =
    dump?.mapMutex ?? directive?.args[0]?.replace(/:.*/, '').toLowerCase()
  if (mechanism === undefined || !fragile.includes(mechanism)) return []
  return [
    {
      code: 'mutex-fragile',
      severity: 'error',
      what: `the lock of map programs (Mutex … rewrite-map) is of type ${mechanism}`,
      why: 'an httpd child killed during a lookup never releases the lock: every request that needs a map program hangs until httpd is restarted',
      remedy:
        'remove the Mutex line; httpd’s default lock is released when its holder dies',
      where: directive === undefined ? null : locationOf(directive),
    },
  ]
}

function logFindings(
  { dump }: HttpdFacts,
  [main]: Servers,
  programs: readonly RewriteMapping[],
): Finding[] {
  if (programs.length === 0) return []
  const log = setting(main, 'errorlog')?.[0] ?? dump?.errorLog ?? ''
  const directive = main.own.findLast(({ name }) => name === 'errorlog')
  const where = directive === undefined ? null : locationOf(directive)
  if (/^syslog(?::|$)/.test(log))
    return [
      {
        code: 'log-lost',
        severity: 'warning',
        what: 'the main ErrorLog is syslog',
        why: 'the messages of a map program then go to /dev/null: why it does not start, what is wrong in the directory',
        remedy:
          'ErrorLog /var/log/apache2/error.log at server level; a virtual host may keep syslog',
        where,
      },
    ]
  if (!log.startsWith('|')) return []
  return [
    {
      code: 'log-piped',
      severity: programs.every(({ argv }) => ownMap(argv) !== undefined)
        ? 'info'
        : 'warning',
      what: 'the main ErrorLog is a pipe',
      why: 'map programs write there too. If the logger stalls, a map program that waits for it stops answering; ours never waits and drops lines instead',
      remedy:
        'nothing for our map program; for any other, write the main ErrorLog to a file',
      where,
    },
  ]
}

/** The rules test sentinels with -f, as the user of httpd's children. */
function sentinelFindings(
  { dump }: HttpdFacts,
  [main]: Servers,
  { config, system }: OwnFacts,
): Finding[] {
  const name = dump?.user ?? setting(main, 'user')?.[0] ?? ''
  const user = system.user(name.replace(/^#/, ''))
  if (user === undefined) return []
  const stop = obstacle(system, user, config.directory, 'search')
  if (stop?.kind !== 'closed') return []
  return [
    {
      code: 'directory-closed-to-httpd',
      severity: 'error',
      what: `httpd’s children run as ${user.name} and cannot see the sentinels: ${stop.text}`,
      why: 'files they cannot see count as missing, without any message: when the map program is not running, every backend looks down and none looks in maintenance',
      remedy: `chmod a+x ${stop.path}`,
      where: null,
    },
  ]
}

/** Directories that a systemd unit can hide from the service. */
function hiddenFindings(
  httpd: HttpdFacts,
  programs: readonly RewriteMapping[],
  isNeeded: boolean,
  { config, configFile, system }: OwnFacts,
): Finding[] {
  const { unit } = httpd
  if (unit === undefined) return []
  const isOn = (key: string): boolean => isUnitOn(unit, key)
  const hidden: { setting: string; roots: readonly string[] }[] = []
  if (isOn('PrivateTmp'))
    hidden.push({ setting: 'PrivateTmp', roots: ['/tmp', '/var/tmp'] })
  if (isOn('ProtectHome'))
    hidden.push({
      setting: 'ProtectHome',
      roots: ['/home', '/root', '/run/user'],
    })
  const needed = [
    ...(isNeeded ? [config.directory, configFile] : []),
    ...programs.map(map => programOf(map, httpd)),
    ...programs.flatMap(({ argv }) => {
      const own = ownMap(argv)
      return own === undefined ? [] : [own.main, own.node ?? own.main]
    }),
  ]
  return hidden.flatMap(({ setting: key, roots }) =>
    [...new Set(needed)]
      .filter(path =>
        roots.some(root => `${system.real(path)}/`.startsWith(`${root}/`)),
      )
      .map(path => ({
        code: 'hidden-by-unit',
        severity: 'error' as const,
        what: `${key} of httpd’s unit ${unit.file} hides ${path}`,
        why: 'httpd and the map program see an empty directory there instead: no sentinels, no program',
        remedy: `move it (the usual place is /run/zope-failover), or: systemctl edit ${unit.file.replace(/.*\//, '')} and write\n[Service]\n${key}=no`,
        where: unit.file,
      })),
  )
}

function isUnitOn(
  { settings }: NonNullable<HttpdFacts['unit']>,
  key: string,
): boolean {
  return /^(?:yes|true|on|1|disconnected|tmpfs)$/i.test(settings.get(key) ?? '')
}

/** Node generates machine code at run time, which this setting forbids. */
function memoryFindings(
  { unit }: HttpdFacts,
  programs: readonly RewriteMapping[],
): Finding[] {
  const key = 'MemoryDenyWriteExecute'
  if (
    unit === undefined ||
    !isUnitOn(unit, key) ||
    !programs.some(({ argv }) => ownMap(argv) !== undefined)
  )
    return []
  return [
    {
      code: 'unit-kills-map',
      severity: 'error',
      what: `${key} of httpd’s unit ${unit.file} kills the map program as soon as it starts`,
      why: 'Node generates machine code at run time. A graceful restart does not help; only the text map and the sentinels are left to serve. The observer exits too',
      remedy: `systemctl edit ${unit.file.replace(/.*\//, '')} and write\n[Service]\n${key}=no\nthen: systemctl restart ${unit.file.replace(/.*\//, '')}; or generate the files with --style txt`,
      where: unit.file,
    },
  ]
}
