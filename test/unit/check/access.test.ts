import t from 'tap'
import { obstacle } from '../../../check/access.ts'
import { machine, root, zope } from './facts.ts'

void t.test('what is in the way', t => {
  const system = machine({
    '/open/file': { mode: 0o644 },
    '/open/mine': { mode: 0o400, uid: 500 },
    '/open/ours': { mode: 0o040, gid: 600 },
    '/open/script': { mode: 0o744 },
    '/open/link': { real: '/closed/file' },
    '/closed': { kind: 'directory', mode: 0o700 },
    '/closed/file': { mode: 0o644 },
    '/odd': 'hidden',
  })
  const at = (path: string, need: 'read' | 'write' | 'execute' | 'search') =>
    obstacle(system, zope, path, need)?.text
  t.equal(at('/open/file', 'read'), undefined)
  t.equal(at('/open/mine', 'read'), undefined)
  t.equal(at('/open/ours', 'read'), undefined)
  t.equal(
    at('/open/file', 'write'),
    '/open/file may not be written to by zope (mode 644, owner 0:0)',
  )
  t.equal(
    at('/open/script', 'execute'),
    '/open/script may not be executed by zope (mode 744, owner 0:0)',
  )
  t.match(at('/closed/file', 'read'), /^\/closed may not be entered by zope/)
  t.match(at('/open/link', 'read'), /^\/closed may not/, 'behind a link')
  t.equal(at('/open/none/x', 'read'), '/open/none does not exist')
  t.equal(at('/odd/file', 'read'), undefined, 'not seen: not judged')
  t.equal(at('/', 'search'), undefined)
  const asRoot = (path: string, need: 'read' | 'execute') =>
    obstacle(system, root, path, need)?.kind
  t.equal(asRoot('/closed/file', 'read'), undefined)
  t.equal(asRoot('/closed/file', 'execute'), 'closed')
  t.equal(asRoot('/open/script', 'execute'), undefined)
  t.end()
})
