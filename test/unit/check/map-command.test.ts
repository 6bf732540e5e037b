import t from 'tap'
import type { HttpdFacts } from '../../../check/facts.ts'
import { aprWords } from '../../../check/httpd-text.ts'
import {
  answersAs,
  ownMap,
  programOf,
  startedAs,
} from '../../../check/map-command.ts'
import {
  mapsOf,
  serversOf,
  type RewriteMapping,
} from '../../../check/servers.ts'
import {
  directory,
  factsWith,
  httpdUser,
  httpdWith,
  ownProgram,
  zope,
} from './facts.ts'

void t.test('whose program it is', t => {
  t.strictSame(ownMap(aprWords(ownProgram)), {
    node: '/usr/bin/node',
    main: '/opt/zf/rewritemap/main.js',
    config: '/etc/zope-failover.yaml',
    directory: '/run/zope-failover',
    answer: 'pair',
    user: undefined,
  })
  t.match(ownMap(aprWords('/usr/bin/zope-failover rewritemap --user=zope')), {
    node: undefined,
    main: '/usr/bin/zope-failover',
    config: undefined,
    answer: 'name',
    user: 'zope',
  })
  t.match(ownMap(aprWords('/bin/x node /opt/cli/main.js rewritemap')), {
    node: 'node',
  })
  t.equal(ownMap(aprWords('/usr/bin/zope-failover status')), undefined)
  t.equal(ownMap([]), undefined)
  t.end()
})

function mapWith(
  program: string,
  user = '',
  more: Partial<HttpdFacts> = {},
): [RewriteMapping, HttpdFacts] {
  const httpd = httpdWith(`RewriteMap z "prg:${program}" ${user}`, more)
  const map = serversOf(httpd.conf).flatMap(mapsOf)[0]
  if (map === undefined) throw new Error('no map')
  return [map, httpd]
}

void t.test('the file', t => {
  t.equal(programOf(...mapWith('/opt/map.sh')), '/opt/map.sh')
  t.equal(programOf(...mapWith('bin/map.sh')), '/etc/bin/map.sh')
  t.equal(programOf(...mapWith('')), '/etc/')
  t.end()
})

void t.test('who it is', t => {
  const facts = factsWith()
  const who = (
    as: typeof answersAs,
    args: Parameters<typeof mapWith>,
    of = facts,
  ) => {
    const found = as(...mapWith(...args), of)
    return found.kind === 'user'
      ? `${found.user.name} ${found.user.gids.join(',')}`
      : `? ${found.name}`
  }
  t.equal(who(startedAs, ['/opt/map.sh']), 'root 0')
  t.equal(who(startedAs, ['/opt/map.sh', 'zope']), 'zope 500,600')
  t.equal(who(startedAs, ['/opt/map.sh', 'zope:adm']), 'zope 4')
  t.equal(who(startedAs, ['/opt/map.sh', 'zope:none']), '? zope:none')
  t.equal(who(startedAs, ['/opt/map.sh', 'none']), '? none')
  t.equal(
    who(startedAs, ['/opt/map.sh', 'zope', { starter: httpdUser }]),
    'www-data 33',
    'only root can become another user',
  )
  t.equal(who(answersAs, ['/opt/map.sh']), 'root 0')
  t.equal(who(answersAs, ['/opt/map.sh', 'none']), '? none')
  t.equal(who(answersAs, [ownProgram, 'zope']), 'zope 500,600')
  t.equal(who(answersAs, [ownProgram]), 'zope 500,600', 'the owner')
  t.equal(who(answersAs, [`${ownProgram} --user www-data`]), 'www-data 33')
  t.equal(
    who(answersAs, ['/usr/bin/zope-failover rewritemap']),
    'zope 500,600',
    "the configuration's directory",
  )
  t.equal(
    who(
      answersAs,
      [ownProgram],
      factsWith({ [directory]: { kind: 'directory', uid: 77, gid: 78 } }),
    ),
    'uid 77 78',
  )
  t.equal(
    who(answersAs, [ownProgram], factsWith({ [directory]: 'missing' })),
    'root 0',
  )
  t.equal(zope.uid, 500)
  t.end()
})
