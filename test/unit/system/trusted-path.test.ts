import t from 'tap'
import { weakPoint, type PathNode } from '../../../system/trusted-path.ts'

const dir = { kind: 'directory', uid: 0, gid: 0, mode: 0o755 } as const
const file = { kind: 'other', uid: 0, gid: 0, mode: 0o755 } as const
const link = (target: string, uid = 0): PathNode => ({
  kind: 'link',
  uid,
  gid: 0,
  mode: 0o777,
  target,
})

function weak(
  path: string,
  nodes: Readonly<Record<string, PathNode>>,
): string | undefined {
  return weakPoint(name => ({ '/': dir, ...nodes })[name], path)?.text
}

void t.test('the way to a file', t => {
  const way = { '/opt': dir, '/opt/map': file }
  t.equal(weak('/opt/map', way), undefined)
  t.equal(weak('/opt/none', way), undefined, 'what is not there')
  t.equal(
    weak('/opt/map', { ...way, '/opt': { ...dir, uid: 7 } }),
    '/opt belongs to uid 7',
  )
  t.equal(
    weak('/opt/map', { ...way, '/opt/map': { ...file, uid: 7 } }),
    '/opt/map belongs to uid 7',
  )
  t.equal(
    weak('/opt/map', { ...way, '/': { ...dir, mode: 0o777 } }),
    '/ can be written to by every user (mode 777)',
  )
  t.equal(
    weak('/opt/map', { ...way, '/opt': { ...dir, gid: 5, mode: 0o775 } }),
    '/opt can be written to by group 5 (mode 775)',
  )
  t.equal(
    weak('/opt/map', { ...way, '/opt': { ...dir, mode: 0o775 } }),
    undefined,
    "root's own group",
  )
  t.end()
})

void t.test('sticky directories', t => {
  const tmp = { '/tmp': { ...dir, mode: 0o1777 } }
  const bob = { '/tmp/map': { ...file, uid: 7 } }
  t.equal(weak('/tmp/map', { ...tmp, '/tmp/map': file }), undefined)
  t.equal(weak('/tmp/map', { ...tmp, ...bob }), '/tmp/map belongs to uid 7')
  t.match(weak('/tmp', tmp), /^\/tmp can be written to by every user/)
  const opt = { '/opt': dir, '/opt/map': file }
  t.equal(
    weak('/tmp/l', { ...tmp, ...opt, '/tmp/l': link('/opt/map', 7) }),
    '/tmp/l belongs to uid 7',
    'its owner can point it elsewhere',
  )
  t.equal(
    weak('/s/l', {
      ...opt,
      '/s': { ...dir, mode: 0o1755 },
      '/s/l': link('/opt/map', 7),
    }),
    undefined,
    'sticky, and closed',
  )
  t.end()
})

void t.test('links', t => {
  const opt = { '/opt': dir, '/opt/map': file, '/srv': dir }
  t.equal(weak('/l/map', { ...opt, '/l': link('/opt') }), undefined)
  t.equal(weak('/srv/l', { ...opt, '/srv/l': link('../opt/./map') }), undefined)
  t.equal(
    weak('/srv/l', {
      ...opt,
      '/srv/l': link('../home/map'),
      '/home': { ...dir, uid: 7 },
      '/home/map': file,
    }),
    '/home belongs to uid 7',
  )
  t.equal(weak('/loop', { '/loop': link('loop') }), undefined, 'as the system')
  t.equal(weak('/odd', { '/odd': { ...file, kind: 'link' } }), undefined)
  t.end()
})
