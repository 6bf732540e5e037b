import {
  chmodSync,
  chownSync,
  mkdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import t from 'tap'
import { readConfigFile } from '../../../config/file.ts'
import { parseConfig } from '../../../config/parse.ts'
import { commandKeys, commandRefusal, self } from '../../../config/trust.ts'
import { publicDirectory } from '../../../lab/processes.ts'

const isRoot = process.getuid?.() === 0
const backends = 'backends: { zope1: http://127.0.0.1:1 }\n'
const withCommand = `${backends}notify: { command: /bin/true }\n`

function refusalOf(file: string, as = self()): string | undefined {
  const read = readConfigFile(file)
  return commandRefusal(parseConfig(read.text, file), file, read, as)
}

function keysOf(text: string): string[] {
  return commandKeys(parseConfig(`${backends}${text}`, 'test'))
}

void t.test('the keys that run a command', t => {
  t.strictSame(keysOf(''), [])
  t.strictSame(keysOf('notify: { command: /bin/true }\n'), ['notify.command'])
  t.strictSame(keysOf('notify: { webhook: http://127.0.0.1:1/ }\n'), [])
  t.strictSame(keysOf('probe: { command: [/bin/true] }\n'), ['probe.command'])
  t.end()
})

void t.test('a file that others can write', t => {
  const root = publicDirectory(t)
  const file = `${root}/zope-failover.yaml`
  writeFileSync(file, withCommand)
  t.equal(refusalOf(file), undefined)
  chmodSync(file, 0o646)
  t.match(
    refusalOf(file),
    `${file}: a configuration with notify.command must be writable for root and the monitor's user (uid ${self().uid}) only`,
  )
  t.match(
    refusalOf(file),
    `${file} is writable by all users; type: chmod o-w ${file}`,
  )
  writeFileSync(file, backends)
  t.equal(refusalOf(file), undefined, 'without a command')
  t.end()
})

void t.test('a directory above it that others can write', t => {
  const root = publicDirectory(t)
  mkdirSync(`${root}/open/etc`, { recursive: true })
  writeFileSync(`${root}/open/etc/f.yaml`, withCommand)
  symlinkSync(`${root}/open/etc/f.yaml`, `${root}/link.yaml`)
  chmodSync(`${root}/open`, 0o777)
  for (const file of [`${root}/open/etc/f.yaml`, `${root}/link.yaml`])
    t.match(
      refusalOf(file),
      `${root}/open is writable by all users; type: chmod o-w ${root}/open`,
    )
  chmodSync(`${root}/open`, 0o1777)
  t.equal(refusalOf(`${root}/open/etc/f.yaml`), undefined, 'as below /tmp')
  t.end()
})

void t.test(
  'a file of another user, or of a group',
  { skip: isRoot ? false : 'only root can give files away' },
  t => {
    const root = publicDirectory(t)
    const file = `${root}/zope-failover.yaml`
    writeFileSync(file, withCommand)
    const zope = { uid: 12_345, gid: 12_345 }
    t.equal(refusalOf(file, zope), undefined, "root's")
    chownSync(file, zope.uid, zope.gid)
    t.equal(refusalOf(file, zope), undefined, 'its own')
    t.match(
      refusalOf(file, { uid: 0, gid: 0 }),
      `${file} belongs to uid 12345; type: chown root ${file}`,
    )
    chmodSync(file, 0o664)
    t.equal(refusalOf(file, zope), undefined, 'its own group')
    chownSync(file, zope.uid, 54_321)
    t.match(
      refusalOf(file, zope),
      `${file} is writable by group 54321; type: chmod g-w ${file}`,
    )
    t.end()
  },
)
