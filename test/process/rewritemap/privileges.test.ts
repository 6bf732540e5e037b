import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import t from 'tap'
import { putUp, startMap, statusOf, writeConfig } from '../../../lab/map.ts'
import { publicDirectory } from '../../../lab/processes.ts'

const skip = process.getuid?.() === 0 ? false : 'only root can drop privileges'
const [user, group] = [65_534, 65_534]

/** uid and gid four times each, and the supplementary groups. */
function identityOf(pid: number) {
  return ['Uid', 'Gid', 'Groups'].map(key =>
    statusOf(pid, key).trim().split(/\s+/).map(Number),
  )
}
const dropped = [Array(4).fill(user), Array(4).fill(group), [group]]

void t.test('--user drops root with all its groups', { skip }, async t => {
  const directory = publicDirectory(t)
  const config = writeConfig(`${directory}/.config.yaml`, directory, 'a')
  putUp(directory, 'a')
  for (const name of ['nobody', '65534', 'nobody:nogroup', '65534:65534']) {
    const map = startMap(t, config, { args: ['--user', name] })
    t.equal(await map.lookup('default'), 'a')
    t.strictSame(identityOf(map.pid), dropped, name)
    await map.end()
  }
})

void t.test(
  'a --user that cannot be used: exit 2, one line',
  { skip },
  async t => {
    const directory = publicDirectory(t)
    const config = writeConfig(`${directory}/.config.yaml`, directory, 'a')
    for (const name of [
      'no-such-user',
      'no-such-user:0',
      'nobody:no-such-group',
      '',
      ':nogroup',
    ]) {
      const map = startMap(t, config, { args: ['--user', name] })
      t.strictSame(await map.exit(), { code: 2, signal: null }, name)
      t.equal(map.rest, '')
      t.match(map.stderr, /--user must name a user/)
      t.equal(map.stderr.split('\n').length, 2, 'one line')
    }
  },
)

void t.test(
  'never root when the directory belongs to another user',
  { skip },
  async t => {
    const directory = publicDirectory(t)
    chownSync(directory, user, group)
    const config = writeConfig(
      `${publicDirectory(t)}/zope-failover.yaml`,
      directory,
      'a',
    )
    for (const args of [['--directory', directory], []]) {
      const map = startMap(t, config, { args })
      t.equal(await map.lookup('default'), 'a')
      t.strictSame(identityOf(map.pid), dropped, args.join(' '))
      await map.end()
      t.notMatch(map.stderr, /runs as root/)
    }
  },
)

void t.test(
  'root when the directory belongs to root: it is logged',
  { skip },
  async t => {
    const directory = publicDirectory(t)
    const config = writeConfig(`${directory}/.config.yaml`, directory, 'a')
    const map = startMap(t, config)
    await map.says(/the map program runs as root because \S+ belongs to root/)
  },
)

void t.test(
  'another user with read access only: lookups are answered, the missing report is logged',
  { skip },
  async t => {
    const directory = publicDirectory(t)
    putUp(directory, 'b')
    const config = writeConfig(`${directory}/.config.yaml`, directory, 'a b')
    const map = startMap(t, config, { uid: user })
    t.equal(await map.lookup('default'), 'b')
    await map.says(/report not written/)
    await t.test(
      'without read access: as without verdicts, and it is logged',
      async t => {
        const closed = `${directory}/closed`
        mkdirSync(closed)
        putUp(closed, 'b')
        const file = writeConfig(`${directory}/.closed.yaml`, closed, 'a b')
        chmodSync(closed, 0o700)
        const blind = startMap(t, file, { uid: user })
        t.equal(await blind.lookup('default'), 'a')
        await blind.says(/cannot be read \(EACCES\)/)
        chmodSync(closed, 0o755)
        await blind.becomes('default', 'b')
      },
    )
  },
)
