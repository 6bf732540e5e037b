// Facts for the tests of the rules: a small machine and a small httpd.
import { parseConfig } from '../../../config/parse.ts'
import type {
  HttpdFacts,
  OwnFacts,
  PathFact,
  System,
  User,
} from '../../../check/facts.ts'
import type { Finding } from '../../../check/finding.ts'
import { parseHttpdConf, type ParsedConf } from '../../../check/httpd-conf.ts'

export const root: User = { name: 'root', uid: 0, gids: [0] }
export const zope: User = { name: 'zope', uid: 500, gids: [500, 600] }
export const httpdUser: User = { name: 'www-data', uid: 33, gids: [33] }

export type SmallFile =
  | {
      readonly mode?: number
      readonly uid?: number
      readonly gid?: number
      readonly kind?: 'file' | 'directory' | 'other'
      readonly head?: string
      /** what it links to */
      readonly real?: string
    }
  | 'hidden'
  | 'missing'

/** Every directory above a file exists and is open to every user. */
export function machine(files: Readonly<Record<string, SmallFile>>): System {
  const path = (name: string): PathFact => {
    const file = files[name]
    if (file === 'hidden' || file === 'missing') return { kind: file }
    if (file !== undefined)
      return {
        kind: file.kind ?? 'file',
        mode: file.mode ?? 0o755,
        uid: file.uid ?? 0,
        gid: file.gid ?? 0,
      }
    const below = name === '/' ? '/' : `${name}/`
    return Object.keys(files).some(other => other.startsWith(below))
      ? { kind: 'directory', mode: 0o755, uid: 0, gid: 0 }
      : { kind: 'missing' }
  }
  const known = [root, zope, httpdUser]
  return {
    path,
    real: name => {
      const file = files[name]
      return typeof file === 'object' ? (file.real ?? name) : name
    },
    head: name => {
      const file = files[name]
      return typeof file === 'object' ? file.head : undefined
    },
    user: name =>
      known.find(user => user.name === name || String(user.uid) === name),
    group: name => ({ zope: 500, adm: 4 })[name],
  }
}

export const configFile = '/etc/zope-failover.yaml'
export const directory = '/run/zope-failover'

/** What a machine has where nothing is wrong. */
const wellFiles: Readonly<Record<string, SmallFile>> = {
  [configFile]: { mode: 0o644 },
  [directory]: { kind: 'directory', uid: 500, gid: 500 },
  '/opt/map.sh': { head: '#!/bin/sh\n' },
  '/bin/sh': {},
  '/opt/zf/rewritemap/launch.sh': { head: '#!/bin/sh\n' },
  '/opt/zf/rewritemap/main.js': { mode: 0o644 },
  '/usr/bin/node': { head: '\u007FELF' },
}

export const ownProgram =
  '/opt/zf/rewritemap/launch.sh /usr/bin/node /opt/zf/rewritemap/main.js --config /etc/zope-failover.yaml --directory /run/zope-failover --answer pair'

export function factsWith(
  files: Readonly<Record<string, SmallFile>> = {},
): OwnFacts {
  return {
    config: parseConfig(
      'backends: { zope1: "http://h:1", zope2: "http://h:2" }',
      configFile,
    ),
    configFile,
    system: machine({ ...wellFiles, ...files }),
  }
}

export function parsed(
  conf: string,
  others: Readonly<Record<string, string>> = {},
): ParsedConf {
  const files: Record<string, string> = { '/etc/httpd.conf': conf, ...others }
  return parseHttpdConf(
    '/etc/httpd.conf',
    {
      read: file => files[file],
      list: pattern =>
        Object.keys(files).filter(file =>
          pattern.endsWith('*')
            ? file.startsWith(pattern.slice(0, -1))
            : file === pattern,
        ),
    },
    {
      serverRoot: '/etc',
      modules: ['core_module'],
      defines: {},
      environment: { HOME: '/root' },
      version: '2.4.71',
    },
  )
}

export function httpdWith(
  conf: string,
  more: Partial<HttpdFacts> = {},
): HttpdFacts {
  return {
    confFile: '/etc/httpd.conf',
    control: 'apachectl',
    reload: 'apachectl graceful',
    version: '2.4.71',
    conf: parsed(conf),
    dump: undefined,
    weak: undefined,
    refusal: undefined,
    generated: [],
    starter: root,
    isRunning: false,
    isReloadDue: false,
    unit: undefined,
    ...more,
  }
}

/** The shape of a generated file, as far as rules about it go. */
const generatedRules = String.raw`RewriteEngine On
RewriteRule "!^/\.zope-failover/(?:again|second|page)$" "-" [S=1]
RewriteRule "^" "-" [R=404,END]
RewriteRule "^/(?:server\-status|excluded)(?:/|$)" "-" [END]
RewriteCond "%{ENV:REDIRECT_STATUS}" "^[45]"
RewriteRule "^" "-" [END]
RewriteRule "!^/" "-" [END]
RewriteCond "%{ENV:ZF_ANSWER}" "^(\S+) -$"
RewriteRule "(?s)^/(.*)" "balancer://zf.%1/VirtualHostBase/http/%{SERVER_NAME}:80/VirtualHostRoot/$1" [P,NE]
RewriteRule "^" "-" [R=503,END]
UseCanonicalName On
`

/** An httpd whose configuration includes a generated file, /etc/g.conf. */
export function site(
  conf: string,
  more: Partial<HttpdFacts> = {},
  rules = generatedRules,
): HttpdFacts {
  return httpdWith('', {
    conf: parsed(conf, { '/etc/g.conf': rules }),
    generated: [
      {
        file: '/etc/g.conf',
        text: rules,
        version: '0.1.0',
        command: 'zope-failover apache-conf --config /c',
        isNewer: true,
        fresh: { kind: 'text', text: rules },
      },
    ],
    ...more,
  })
}

/** `severity code` of each. */
export function heads(findings: readonly Finding[]): string[] {
  return findings.map(({ severity, code }) => `${severity} ${code}`)
}
