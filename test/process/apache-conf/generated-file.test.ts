// What another user can do while root writes a generated file.
import * as fs from 'node:fs'
import t from 'tap'
import type * as generatedFile from '../../../apache-conf/generated-file.ts'
import { publicDirectory } from '../../../lab/processes.ts'

const isRoot = process.getuid?.() === 0
const text = '# Checksum:\nListen 80\n'

type Module = typeof generatedFile

/**
 * With a stand-in for fs that swaps the file at the worst moment: after it has
 * been written and before anything else is done with it.
 */
async function racing(swap: (aside: string) => void): Promise<Module> {
  let aside = ''
  const openSync: typeof fs.openSync = (file, ...rest) => {
    aside = String(file)
    return fs.openSync(file, ...rest)
  }
  const writeSync = (fd: number, bytes: Uint8Array, at: number): number => {
    const count = fs.writeSync(fd, bytes, at)
    swap(aside)
    return count
  }
  return t.mockImport<Module>('../../../apache-conf/generated-file.ts', {
    'node:fs': { ...fs, openSync, writeSync },
  })
}

void t.test('a name that is swapped for a link gives nothing away', async t => {
  const root = publicDirectory(t)
  const secret = `${root}/secret`
  fs.writeFileSync(secret, 'root only', { mode: 0o600 })
  fs.writeFileSync(`${root}/made.conf`, '')
  if (isRoot) fs.chownSync(`${root}/made.conf`, 12_345, 12_345)
  const { writeGenerated } = await racing(aside => {
    fs.rmSync(aside)
    fs.symlinkSync(secret, aside)
  })
  const before = fs.statSync(secret)
  t.match(writeGenerated(`${root}/made.conf`, text, true), {
    kind: 'refused',
    why: /was replaced by another program while it was being written/,
  })
  const after = fs.statSync(secret)
  t.strictSame(
    [after.mode, after.uid, after.ctimeMs],
    [before.mode, before.uid, before.ctimeMs],
  )
  t.equal(fs.readFileSync(secret, 'utf8'), 'root only')
})

void t.test('a name that is taken already is left alone', async t => {
  const root = publicDirectory(t)
  const { writeGenerated } =
    await import('../../../apache-conf/generated-file.ts')
  const aside = `${root}/.made.conf.${process.pid}.tmp`
  fs.writeFileSync(`${root}/other`, 'mine')
  fs.symlinkSync('other', aside)
  t.match(writeGenerated(`${root}/made.conf`, text, false), {
    kind: 'refused',
    why: /EEXIST/,
  })
  t.equal(fs.readFileSync(aside, 'utf8'), 'mine')
})

void t.test(
  "root writes in no directory of another user's",
  { skip: isRoot ? false : 'only root can make one' },
  async t => {
    const { writeGenerated } =
      await import('../../../apache-conf/generated-file.ts')
    const root = publicDirectory(t)
    fs.mkdirSync(`${root}/home`)
    fs.writeFileSync(`${root}/home/made.conf`, '')
    fs.chownSync(`${root}/home`, 12_345, 12_345)
    fs.symlinkSync('home/made.conf', `${root}/link.conf`)
    fs.mkdirSync(`${root}/open`)
    fs.chmodSync(`${root}/open`, 0o1777)
    const write = (name: string): generatedFile.WriteResult =>
      writeGenerated(`${root}/${name}`, text, true)
    for (const name of ['home/made.conf', 'home/new.conf', 'link.conf'])
      t.match(
        write(name),
        { kind: 'refused', why: /home belongs to uid 12345; run this as that/ },
        name,
      )
    t.match(write('open/x.conf'), { kind: 'refused', why: /by every user/ })
    t.strictSame(fs.readdirSync(`${root}/home`), ['made.conf'])
    t.equal(fs.readFileSync(`${root}/home/made.conf`, 'utf8'), '')
    // a file of another user in a directory of root's becomes root's
    fs.writeFileSync(`${root}/made.conf`, '')
    fs.chownSync(`${root}/made.conf`, 12_345, 12_345)
    fs.chmodSync(`${root}/made.conf`, 0o666)
    t.match(write('made.conf'), { kind: 'written' })
    const { uid, mode } = fs.statSync(`${root}/made.conf`)
    t.strictSame([uid, mode & 0o7777], [0, 0o644])
  },
)
