import t from 'tap'
import type { HttpdFacts } from '../../../../check/facts.ts'
import { serverFindings } from '../../../../check/findings/server.ts'
import type { Dump } from '../../../../check/httpd-dumps.ts'
import {
  directory,
  factsWith,
  heads,
  httpdWith,
  ownProgram,
  type SmallFile,
} from '../facts.ts'

const dump: Dump = {
  modules: [],
  files: [],
  hosts: [],
  errorLog: undefined,
  pidFile: undefined,
  user: undefined,
  defines: [],
  mapMutex: undefined,
}

function findings(
  conf: string,
  more: Partial<HttpdFacts> = {},
  files: Readonly<Record<string, SmallFile>> = {},
) {
  return serverFindings(httpdWith(conf, more), factsWith(files))
}

function found(...args: Parameters<typeof findings>): string[] {
  return heads(findings(...args))
}

const map = 'RewriteMap z "prg:/opt/map.sh" zope\n'
const own = `RewriteMap z "prg:${ownProgram}" zope\n`

const refused = (refusal: string) => findings('', { refusal })

void t.test('what httpd refuses', t => {
  t.match(
    refused(
      "AH00526: Syntax error on line 7 of /etc/x.conf:\nInvalid command 'RewriteMap', perhaps misspelled",
    ),
    [{ code: 'module-missing', where: '/etc/x.conf:7', remedy: /rewrite/ }],
  )
  t.match(refused("Invalid command 'Nonsense'"), [
    { code: 'syntax', where: null },
  ])
  t.match(refused('(13)Permission denied: key'), [{ code: 'unseen-syntax' }])
  t.match(refused('something else'), [{ code: 'syntax' }])
  t.end()
})

const load = (...names: string[]) =>
  names.map(name => `LoadModule ${name}_module x\n`).join('')

void t.test('modules that are missing without a word', t => {
  const member = 'BalancerMember https://h:1\n'
  const missing = (conf: string) =>
    findings(conf).map(({ what }) => what.split(' ')[2])
  t.strictSame(missing(member), [
    'proxy_http',
    'slotmem_shm',
    'lbmethod_byrequests',
    'ssl',
  ])
  t.strictSame(
    missing(
      member + load('proxy_http', 'slotmem_shm', 'ssl', 'lbmethod_byrequests'),
    ),
    [],
  )
  t.strictSame(
    missing(
      `${member}ProxySet lbmethod=bybusyness\n${load('proxy_http', 'slotmem_shm', 'ssl')}`,
    ),
    [],
  )
  t.strictSame(missing('BalancerMember ajp://h\n'), [
    'slotmem_shm',
    'lbmethod_byrequests',
  ])
  t.strictSame(
    heads(findings(member, { refusal: 'something' })),
    ['error syntax'],
    'one thing after the other',
  )
  t.end()
})

void t.test('what could not be seen', t => {
  t.match(
    findings('Include none.conf', {
      dump: { ...dump, files: ['/etc/httpd.conf', '/etc/closed.conf', '/a b'] },
    }),
    [
      { code: 'unseen-conf', where: '/etc/closed.conf:0' },
      { code: 'unseen-conf', where: '/etc/httpd.conf:1' },
    ],
  )
  t.end()
})

void t.test('what others can change', t => {
  t.match(
    findings('', {
      weak: {
        path: '/srv/httpd.conf',
        text: '/srv/httpd.conf belongs to uid 7',
      },
    }),
    [
      {
        code: 'conf-writable',
        what: /^\/srv\/httpd\.conf belongs to uid 7, and httpd/,
        where: '/srv/httpd.conf',
      },
    ],
  )
  t.end()
})

void t.test('versions', t => {
  t.strictSame(found(map, { version: '2.4.71' }), [])
  t.strictSame(found('', { version: '2.4.10' }), [])
  t.strictSame(found(map, { version: undefined }), [])
  t.match(findings(map, { version: '2.4.62' }), [
    { code: 'httpd-old', severity: 'info', why: /^CVE-2024-43204/ },
  ])
  t.end()
})

void t.test('the lock', t => {
  const bad = ['error mutex-fragile']
  t.strictSame(found(`${map}Mutex posixsem rewrite-map`), bad)
  t.strictSame(found(`${map}Mutex sem:x`), bad)
  t.strictSame(found(`${map}Mutex sem default`), bad)
  t.strictSame(found(`${map}Mutex sem ssl-cache`), [])
  t.strictSame(found(`${map}Mutex`), [])
  t.strictSame(found(`${map}Mutex pthread`), [])
  t.strictSame(found('Mutex sem'), [])
  t.strictSame(found(map, { dump: { ...dump, mapMutex: 'posixsem' } }), bad)
  t.strictSame(
    found(`${map}Mutex sem`, { dump: { ...dump, mapMutex: 'pthread' } }),
    [],
  )
  t.end()
})

void t.test('the log', t => {
  t.strictSame(found(`${map}ErrorLog syslog:local1`), ['warning log-lost'])
  t.strictSame(found(`${map}ErrorLog "|/bin/logger"`), ['warning log-piped'])
  t.strictSame(found(`${own}ErrorLog "|/bin/logger"`), ['info log-piped'])
  t.strictSame(found(map, { dump: { ...dump, errorLog: 'syslog' } }), [
    'warning log-lost',
  ])
  t.strictSame(found(`${map}ErrorLog /x`), [])
  t.strictSame(found('ErrorLog syslog'), [])
  t.end()
})

void t.test('may httpd see the sentinels', t => {
  const closed: Readonly<Record<string, SmallFile>> = {
    [directory]: { kind: 'directory', mode: 0o700, uid: 500 },
  }
  const bad = ['error directory-closed-to-httpd']
  const rule = `RewriteCond ${directory}/zope1.up -f\nRewriteRule ^ -\n`
  t.strictSame(found(`${own}User www-data`, {}, closed), bad)
  t.strictSame(found(`${rule}User www-data`, {}, closed), bad)
  t.strictSame(found(`${rule}User #33`, {}, closed), bad)
  t.strictSame(found(`${rule}User "#33"`, {}, closed), bad)
  t.strictSame(
    found(rule, { dump: { ...dump, user: 'www-data' } }, closed),
    bad,
  )
  t.strictSame(found(rule, {}, closed), [], 'an unknown user')
  t.strictSame(found(`${rule}User zope`, {}, closed), [])
  t.strictSame(found('User www-data', {}, closed), [], 'it need not')
  t.strictSame(found(`${own}User www-data`, {}, { [directory]: 'missing' }), [])
  t.end()
})

const unit = (settings: Record<string, string>) => ({
  unit: {
    file: '/lib/systemd/system/apache2.service',
    settings: new Map(Object.entries(settings)),
  },
})

void t.test('what a unit hides', t => {
  const tmp = ownProgram.replace('/usr/bin/node', '/tmp/node')
  const conf = `RewriteMap z "prg:${tmp}" zope`
  t.match(findings(conf, unit({ PrivateTmp: 'true' })), [
    {
      code: 'hidden-by-unit',
      what: /hides \/tmp\/node$/,
      remedy: /systemctl edit apache2\.service/,
    },
  ])
  t.strictSame(found(conf, unit({ PrivateTmp: 'no' })), [])
  t.strictSame(found(conf, unit({})), [])
  t.match(findings(own, unit({ MemoryDenyWriteExecute: 'yes' })), [
    { code: 'unit-kills-map', remedy: /systemctl restart apache2\.service/ },
  ])
  t.strictSame(found(own, unit({ MemoryDenyWriteExecute: 'no' })), [])
  t.strictSame(
    found(
      'RewriteMap z "prg:/opt/map.sh" zope',
      unit({ MemoryDenyWriteExecute: 'yes' }),
    ),
    [],
    'some other program',
  )
  t.match(
    findings(
      'RewriteMap z "prg:/home/a/map.sh" zope',
      unit({ ProtectHome: 'tmpfs' }),
    ),
    [{ what: /ProtectHome .* hides \/home\/a\/map\.sh$/ }],
  )
  t.match(
    findings(own, unit({ PrivateTmp: '1' }), {
      [directory]: { kind: 'directory', real: '/tmp/run' },
    }),
    [{ what: /hides \/run\/zope-failover$/ }],
    'behind a link',
  )
  const bare = 'RewriteMap z "prg:/usr/bin/zope-failover rewritemap" zope'
  t.strictSame(found(bare, unit({ PrivateTmp: 'yes' })), [])
  t.end()
})
