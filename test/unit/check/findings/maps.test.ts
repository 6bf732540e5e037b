import t from 'tap'
import type { HttpdFacts } from '../../../../check/facts.ts'
import {
  mapFindings,
  writableFinding,
} from '../../../../check/findings/maps.ts'
import { mapsOf, serversOf } from '../../../../check/servers.ts'
import {
  configFile,
  directory,
  factsWith,
  heads,
  httpdUser,
  httpdWith,
  ownProgram,
  zope,
  type SmallFile,
} from '../facts.ts'

type Files = Readonly<Record<string, SmallFile>>

function found(
  program: string,
  files: Files = {},
  more: Partial<HttpdFacts> = {},
  user = 'zope',
) {
  return mapFindings(
    httpdWith(`RewriteEngine On\nRewriteMap z "prg:${program}" ${user}`, more),
    factsWith(files),
  )
}

void t.test('nothing wrong', t => {
  t.strictSame(found('/opt/map.sh'), [])
  t.strictSame(found(ownProgram), [])
  t.strictSame(found(ownProgram, {}, {}, ''), [], 'it becomes the owner')
  t.end()
})

const hostOf = (own: string) => `<VirtualHost *>\n${own}\n</VirtualHost>`

const foundIn = (conf: string) =>
  heads(mapFindings(httpdWith(conf), factsWith()))

void t.test('where the engine is on', t => {
  const map = 'RewriteMap z "prg:/opt/map.sh" zope'
  t.strictSame(foundIn(map), ['error engine-off'])
  t.strictSame(foundIn(`${map}\n${hostOf('RewriteEngine On')}`), [
    'error engine-off',
  ])
  t.strictSame(
    foundIn(`${map}\n${hostOf('RewriteEngine On\nRewriteOptions Inherit')}`),
    [],
  )
  t.strictSame(foundIn(hostOf(`RewriteEngine Off\n${map}`)), [
    'error engine-off',
  ])
  t.strictSame(foundIn(hostOf(`RewriteEngine On\n${map}`)), [])
  t.end()
})

void t.test('will it start', t => {
  const cases: readonly (readonly [string, SmallFile, string?])[] = [
    ['info unseen-map', 'hidden'],
    ['error map-missing', 'missing'],
    ['error map-not-executable', { mode: 0o644 }],
    ['error map-not-executable', { kind: 'directory' }],
    ['error map-unknown-user', {}, 'no-such-user'],
    ['error map-part-closed', { mode: 0o700, head: '#!/bin/sh\n' }],
    ['error map-bad-interpreter', { head: 'echo' }],
    ['error map-bad-interpreter', { head: '#!/bin/sh\r\n' }],
    ['error map-bad-interpreter', { head: '#!/bin/sh -u\r\n' }],
    ['error map-bad-interpreter', { head: '#!/bin/none\n' }],
    ['error map-bad-interpreter', { head: '#!/usr/bin/env -S A=1 perl6 -w\n' }],
  ]
  for (const [head, file, user] of cases)
    t.strictSame(
      heads(
        found(
          '/opt/map.sh',
          { '/opt/map.sh': file, '/usr/bin/env': {} },
          {},
          user,
        ),
      ),
      [head],
      head,
    )
  const fine: readonly SmallFile[] = [
    {},
    { head: '\u007FELF' },
    { head: '#! /bin/sh -eu\n' },
    { head: '#!/usr/bin/env node\n' },
    { head: '#!/usr/bin/env /opt/node\n' },
    { head: '#!/usr/bin/env -S\n' },
  ]
  for (const file of fine)
    t.strictSame(
      found('/opt/map.sh', { '/opt/map.sh': file, '/usr/bin/env': {} }),
      [],
      JSON.stringify(file),
    )
  t.match(
    found('/opt/map.sh', { '/opt': { kind: 'directory', mode: 0o700 } }),
    [{ remedy: 'chmod a+rx /opt' }],
  )
  t.end()
})

void t.test('as which user', t => {
  const version = { version: '2.4.10' }
  t.strictSame(heads(found('/opt/map.sh', {}, version)), [
    'error map-user-too-new',
  ])
  t.strictSame(found('/opt/map.sh', {}, { version: undefined }), [])
  t.strictSame(
    found('/opt/map.sh', {}, { ...version, starter: zope }, ''),
    [],
    'no user is named',
  )
  t.match(found('/opt/map.sh', {}, {}, ''), [
    { code: 'map-as-root', remedy: /third argument/ },
  ])
  const rootsOwn = { [directory]: { kind: 'directory' } } as const
  t.match(found(ownProgram, rootsOwn, {}, ''), [
    { code: 'map-as-root', remedy: /^change the owner of the directory/ },
  ])
  t.strictSame(heads(found(`${ownProgram} --user none`, {}, {}, '')), [
    'error map-unknown-user',
  ])
  t.end()
})

void t.test('what it needs', t => {
  const cases: readonly (readonly [string[], Files, RegExp])[] = [
    [
      ['error map-part-missing'],
      { '/usr/bin/node': 'missing' },
      /^generate the files again/,
    ],
    [
      ['error map-part-closed'],
      { '/opt/zf/rewritemap/main.js': { mode: 0o600 } },
      /^chmod a\+r \/opt\/zf\/rewritemap\/main\.js$/,
    ],
    [
      ['error map-part-closed'],
      { '/usr/bin': { kind: 'directory', mode: 0o700 } },
      /^chmod a\+rx \/usr\/bin$/,
    ],
    [
      ['error map-cannot-read-config'],
      { [configFile]: 'missing' },
      /^write \/etc\/zope-failover\.yaml/,
    ],
    [
      ['error map-cannot-read-config'],
      { [configFile]: { mode: 0o600 } },
      /^chmod a\+r \/etc\/zope-failover\.yaml$/,
    ],
    [
      ['error map-cannot-read-directory'],
      { [directory]: { kind: 'directory', mode: 0o700 } },
      /^chmod a\+rx \/run\/zope-failover$/,
    ],
    [
      ['error map-cannot-read-directory'],
      { [directory]: { kind: 'directory', mode: 0o711 } },
      /./,
    ],
    [
      ['info map-cannot-report'],
      { [directory]: { kind: 'directory', uid: 33 } },
      /the owner of/,
    ],
  ]
  for (const [expected, files, remedy] of cases) {
    const findings = found(ownProgram, files)
    t.strictSame(heads(findings), expected)
    t.match(findings[0]?.remedy, remedy)
  }
  t.match(
    found(ownProgram, {
      '/etc': { kind: 'directory', mode: 0o700 },
    }),
    [{ remedy: 'chmod a+x /etc' }],
  )
  t.strictSame(found(ownProgram, { [directory]: 'missing' }), [])
  t.strictSame(
    found(
      '/usr/bin/zope-failover rewritemap --config /etc/zope-failover.yaml',
      {
        '/usr/bin/zope-failover': { head: '#!/bin/sh\n' },
      },
    ),
    [],
    'its main file is the program',
  )
  t.strictSame(
    heads(found('/bin/sh zope-failover rewritemap', { '/bin/sh': {} })),
    ['warning map-other-config'],
    'a relative one is not followed',
  )
  t.end()
})

void t.test('which options it gets', t => {
  const other = ownProgram.replace(configFile, '/etc/old.yaml')
  t.strictSame(heads(found(other, { '/etc/old.yaml': { mode: 0o644 } })), [
    'warning map-other-config',
  ])
  t.strictSame(
    found(other, { '/etc/old.yaml': { mode: 0o644, real: configFile } }),
    [],
    'a link to it',
  )
  const place = ownProgram.replace(directory, '/run/old')
  t.strictSame(
    heads(found(place, { '/run/old': { kind: 'directory', uid: 500 } })),
    ['warning map-other-directory'],
  )
  t.end()
})

const allIn = (conf: string) => mapFindings(httpdWith(conf), factsWith())

const hostWith = (name: string, program: string) =>
  `<VirtualHost *>\nServerName ${name}\nRewriteEngine On\nRewriteMap z "prg:${program}" zope\n</VirtualHost>\n`

void t.test('several', t => {
  t.match(allIn(hostWith('a', ownProgram) + hostWith('b', ownProgram)), [
    { code: 'several-maps', what: /virtual host a, virtual host b/ },
  ])
  t.strictSame(
    allIn(hostWith('a', ownProgram) + hostWith('b', '/opt/map.sh')),
    [],
  )
  t.equal(httpdUser.uid, 33)
  t.end()
})

void t.test('a program that others can change', t => {
  const [main] = serversOf(httpdWith('RewriteMap z "prg:/srv/map"').conf)
  const weak = { path: '/srv', text: '/srv belongs to uid 7' }
  const shown = (ranAs: typeof zope | undefined): string[] =>
    mapsOf(main).map(map => writableFinding(map, weak, ranAs).why)
  t.match(shown(zope), [/so it was tried as zope, not as root$/])
  t.match(shown(undefined), [/so the map program was not tried$/])
  t.end()
})
