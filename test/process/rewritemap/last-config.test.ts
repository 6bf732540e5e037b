import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import t, { type Test } from 'tap'
import { putUp, startMap, writeConfig } from '../../../lab/map.ts'
import { publicDirectory, until } from '../../../lab/processes.ts'

/** A directory in which a map program has run with a good configuration of `a b`. */
async function kept(t: Test) {
  const directory = publicDirectory(t)
  const config = writeConfig(
    `${publicDirectory(t)}/zope-failover.yaml`,
    directory,
    'a b',
  )
  putUp(directory, 'a', 'b')
  const keptFile = `${directory}/.rewritemap-config.json`
  const args = ['--directory', directory]
  const map = startMap(t, config, { args })
  await until('the configuration to be kept', () => existsSync(keptFile))
  t.strictSame(await map.end(), { code: 0, signal: null })
  return { directory, config, keptFile, args }
}

void t.test(
  'an invalid configuration: the last good one is used, and each start logs it',
  async t => {
    const { config, args, keptFile } = await kept(t)
    t.equal(statSync(keptFile).mode & 0o777, 0o600, 'it can hold secrets')
    writeFileSync(config, 'backends: {}\n')
    for (const time of ['first', 'second']) {
      const map = startMap(t, config, { args })
      t.equal(await map.lookup('default b'), 'b', time)
      await map.says(/the map program runs with the last good configuration/)
      await map.says(/backends/)
      await map.end()
    }
  },
)

void t.test(
  'a configuration that is missing, then there and fixed',
  async t => {
    const { directory, config, args } = await kept(t)
    rmSync(config)
    const map = startMap(t, config, { args })
    t.equal(await map.lookup('default'), 'a')
    await map.says(/ENOENT/)
    writeConfig(config, directory, 'c b')
    await map.becomes('default b', 'b')
    putUp(directory, 'c')
    await map.becomes('default', 'c')
  },
)

void t.test('an empty file is not mistaken for an unreadable one', async t => {
  const { config, args } = await kept(t)
  rmSync(config)
  const map = startMap(t, config, { args })
  await map.says(/ENOENT/)
  await map.end()
  writeFileSync(config, '')
  const other = startMap(t, config, { args })
  await other.says(/the map program runs with the last good configuration/)
  await other.end()
})

for (const [name, tamper] of [
  ['by another owner', (file: string) => chownSync(file, 65_534, 65_534)],
  [
    'cut short',
    (file: string) =>
      writeFileSync(file, readFileSync(file, 'utf8').slice(0, 100)),
  ],
  [
    'without its parts',
    (file: string) =>
      writeFileSync(
        file,
        readFileSync(file, 'utf8').replace('"backends"', '"x"'),
      ),
  ],
  [
    'of another version',
    (file: string) =>
      writeFileSync(
        file,
        readFileSync(file, 'utf8').replace(
          /"version":"[^"]*"/,
          '"version":"0"',
        ),
      ),
  ],
  [
    'for another file',
    (file: string) =>
      writeFileSync(
        file,
        readFileSync(file, 'utf8').replace(
          /"configFile":"[^"]*"/,
          '"configFile":"/x"',
        ),
      ),
  ],
] as const) {
  const skip =
    name === 'by another owner' && process.getuid?.() !== 0
      ? 'only root can give files away'
      : false
  void t.test(
    `a kept configuration, but ${name}, is ignored`,
    { skip },
    async t => {
      const { config, keptFile, args } = await kept(t)
      tamper(keptFile)
      writeFileSync(config, 'backends: {}\n')
      const map = startMap(t, config, { args })
      t.strictSame(await map.exit(), { code: 2, signal: null })
      t.equal(map.rest, '')
    },
  )
}

void t.test('a recreated directory gets it again', async t => {
  const { directory, config, keptFile, args } = await kept(t)
  const map = startMap(t, config, { args })
  t.equal(await map.lookup('default b'), 'b')
  rmSync(directory, { recursive: true, maxRetries: 10 })
  await map.says(/cannot be read/)
  mkdirSync(directory)
  await until('it to be kept again', () => existsSync(keptFile))
  await map.end()
})

void t.test(
  'a --directory that differs from the configuration is logged',
  async t => {
    const { config } = await kept(t)
    const map = startMap(t, config, { args: ['--directory', '/nowhere'] })
    t.equal(await map.lookup('default'), 'a')
    await map.says(/--directory must be the directory of the configuration/)
  },
)
