// The text map as the running monitor keeps it.
import {
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import t, { type Test } from 'tap'
import { startBackend, type BackendFixture } from '../../../../lab/backend.ts'
import {
  dist,
  publicDirectory,
  startProgram,
  textOf,
  until,
  type Program,
} from '../../../../lab/processes.ts'

type Site = {
  readonly directory: string
  readonly configFile: string
  readonly backends: readonly BackendFixture[]
  readonly start: () => Program
  /** the value of a key; undefined when there is none */
  readonly value: (key: string) => string | undefined
  /** waits for a value; the ms that took */
  readonly becomes: (key: string, value: string | undefined) => Promise<number>
}

async function siteOf(t: Test, pool = ''): Promise<Site> {
  const root = publicDirectory(t)
  const directory = `${root}/run`
  const configFile = `${root}/zope-failover.yaml`
  const backends = await Promise.all(
    ['zope1', 'zope2'].map(name => startBackend(t, root, name)),
  )
  writeConfig(configFile, directory, backends, pool)
  const value = (key: string): string | undefined =>
    textOf(`${directory}/zope-failover.map`)
      ?.split('\n')
      .find(line => line.startsWith(`${key} `))
      ?.slice(key.length + 1)
  return {
    directory,
    configFile,
    backends,
    start: () =>
      startProgram(t, process.execPath, [
        `${dist}/cli/main.js`,
        'monitor',
        `--config=${configFile}`,
      ]),
    value,
    becomes: async (key, wanted) => {
      const startMs = performance.now()
      await until(
        `${key} to be ${wanted}`,
        () => value(key) === wanted && { isSo: true },
      )
      return performance.now() - startMs
    },
  }
}

function writeConfig(
  file: string,
  directory: string,
  backends: readonly BackendFixture[],
  pool: string,
): void {
  writeFileSync(
    file,
    `directory: ${directory}
backends:
${backends.map(({ name, url }) => `  ${name}: ${url}\n`).join('')}
pools: { default: { ${pool} } }
probe: { interval: 200ms, timeout: 1s, slow: 500ms, slowStart: 0s, heartbeat: off }
`,
  )
}

void t.test('verdicts and administrators at once', async t => {
  const site = await siteOf(t)
  const path = (file: string): string => `${site.directory}/${file}`
  const monitor = site.start()
  // until then a backend that was not judged yet may be in the map
  await until('both to be judged', () =>
    ['zope1.up', 'zope2.up'].every(file => existsSync(path(file))),
  )
  await site.becomes('default', 'zope1')
  t.equal(site.value('default/zope1'), 'zope2')
  const ms: number[] = []
  for (let round = 0; round < 5; round++) {
    writeFileSync(path('zope1.drain'), '')
    ms.push(await site.becomes('default', 'zope2'))
    t.equal(site.value('default/zope1'), 'zope2', 'sticky visitors stay')
    rmSync(path('zope1.drain'))
    ms.push(await site.becomes('default', 'zope1'))
    writeFileSync(path('zope1.maint'), '')
    ms.push(await site.becomes('default/zope1', undefined))
    rmSync(path('zope1.maint'))
    ms.push(await site.becomes('default/zope1', 'zope2'))
  }
  ms.sort((one, other) => one - other)
  t.comment(
    `an administrator's file is in the map after ${ms[9]?.toFixed(0)} ms (median), ${ms.at(-1)?.toFixed(0)} ms (longest of 20)`,
  )
  await site.backends[0]?.kill('SIGKILL')
  await site.becomes('default', 'zope2')
  t.equal(site.value('default/zope1'), undefined, 'no visitor stays')
  writeFileSync(path('zope1.force'), '')
  await site.becomes('default', 'zope1')
  await monitor.kill('SIGTERM')
  t.equal(site.value('default'), 'zope1', 'the map stays as the verdicts do')
})

void t.test('an administrator’s file expires, or is moved', async t => {
  const site = await siteOf(t)
  site.start()
  await site.becomes('default', 'zope1')
  const end = Math.ceil(Date.now() / 1_000) * 1_000 + 1_000
  writeFileSync(
    `${site.directory}/zope1.drain`,
    `until: ${new Date(end).toISOString()}\n`,
  )
  await site.becomes('default', 'zope2')
  t.ok(Date.now() < end)
  await site.becomes('default', 'zope1')
  t.ok(Date.now() >= end)
  t.comment(`${Date.now() - end} ms after its end`)
  // the same name and size, another time
  const write = (text: string): void => {
    writeFileSync(`${site.directory}/aside.tmp`, text)
    renameSync(`${site.directory}/aside.tmp`, `${site.directory}/zope1.drain`)
  }
  write('until: 2099-01-01T00:00:00Z\n')
  await site.becomes('default', 'zope2')
  write('until: 2019-01-01T00:00:00Z\n')
  await site.becomes('default', 'zope1')
})

void t.test('a changed configuration', async t => {
  const site = await siteOf(t)
  site.start()
  await site.becomes('default', 'zope1')
  writeConfig(
    site.configFile,
    site.directory,
    site.backends,
    'policy: balance, members: [zope1, { name: zope2, weight: 2 }]',
  )
  await site.becomes('default', 'zope1|zope2|zope2')
})

void t.test('the text map is lost, or a directory has its name', async t => {
  const site = await siteOf(t)
  const monitor = site.start()
  await site.becomes('default', 'zope1')
  const file = `${site.directory}/zope-failover.map`
  writeFileSync(file, 'default zope2\n')
  await site.becomes('default', 'zope1')
  rmSync(file)
  await site.becomes('default', 'zope1')
  // a rename, at once: a directory that is being written to cannot be removed
  renameSync(site.directory, `${site.directory}.removed`)
  rmSync(`${site.directory}.removed`, { recursive: true })
  await site.becomes('default', 'zope1')
  rmSync(file)
  mkdirSync(`${file}/x`, { recursive: true })
  await until('it to be logged', () =>
    monitor.output().includes('directory is not writable'),
  )
  rmSync(file, { recursive: true })
  await site.becomes('default', 'zope1')
})
