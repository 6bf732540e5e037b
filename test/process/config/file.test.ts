import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import t from 'tap'
import { defaultConfigFile, readConfigText } from '../../../config/file.ts'
import { ConfigError } from '../../../config/problem.ts'
import { publicDirectory } from '../../../lab/processes.ts'

function problemOf(file: string): string {
  try {
    readConfigText(file)
    return ''
  } catch (err) {
    if (!(err instanceof ConfigError)) throw err
    return err.problems.join('\n').replaceAll(file, 'f')
  }
}

const regular = (what: string): string =>
  `f: the configuration must be a regular file, got ${what}; name a file with --config`

void t.test('the default path, and the variable that changes it', t => {
  const { env } = process
  for (const [value, file] of [
    [undefined, '/etc/zope-failover.yaml'],
    ['', '/etc/zope-failover.yaml'],
    ['/srv/f.yaml', '/srv/f.yaml'],
  ] as const) {
    t.intercept(process, 'env', {
      value: { ...env, ZOPE_FAILOVER_CONFIG: value },
    })
    t.equal(defaultConfigFile(), file)
  }
  t.end()
})

void t.test('the text comes as it is, of a large file too', t => {
  const file = `${t.testdir()}/f.yaml`
  for (const text of ['', 'ä\r\n', `# ${'x'.repeat(1_000_000)}`]) {
    writeFileSync(file, text)
    t.equal(readConfigText(file), text)
  }
  t.end()
})

void t.test('a file that cannot be a configuration says why', t => {
  const directory = t.testdir({
    latin1: Buffer.from('a: 1\n# für\nb: 2\n', 'latin1'),
    last: Buffer.from('a: 1\nb: \xFF', 'latin1'),
    huge: 'x'.repeat(1_048_577),
    folder: {},
  })
  for (const [file, problem] of [
    [
      'latin1',
      'f:2: the configuration must be UTF-8, got other bytes; save it as UTF-8',
    ],
    [
      'last',
      'f:2: the configuration must be UTF-8, got other bytes; save it as UTF-8',
    ],
    [
      'huge',
      'f: the configuration must be at most 1 MiB, got more; name the right file with --config',
    ],
    [
      'folder',
      'f: the configuration must be a regular file, got a directory; name a file with --config',
    ],
    [
      'missing',
      'f: the configuration must be a readable file, got ENOENT; create it (two lines are enough, see README) or name another with --config',
    ],
    [
      'latin1/below',
      'f: the configuration must be a readable file, got ENOTDIR; correct that or name another file with --config',
    ],
  ] as const)
    t.equal(problemOf(`${directory}/${file}`), problem)
  t.end()
})

void t.test(
  'nothing but a regular file is read, and nothing waits',
  async t => {
    // a socket's path must be short
    const directory = publicDirectory(t)
    const file = (name: string): string => `${directory}/${name}`
    execFileSync('mkfifo', [file('pipe')])
    const server = createServer().listen(file('socket'))
    await once(server, 'listening')
    t.teardown(() => server.close())
    symlinkSync('pipe', file('link'))
    symlinkSync('circle', file('circle'))
    symlinkSync('missing', file('dangling'))
    t.equal(problemOf(file('pipe')), regular('a named pipe'))
    t.equal(problemOf(file('link')), regular('a named pipe'))
    t.equal(problemOf(file('socket')), regular('a socket'))
    t.equal(problemOf('/dev/zero'), regular('a device'))
    t.match(problemOf(file('circle')), 'got ELOOP')
    t.match(problemOf(file('dangling')), 'got ENOENT')
    writeFileSync(file('huge'), '')
    truncateSync(file('huge'), 2 ** 40)
    t.match(problemOf(file('huge')), 'must be at most 1 MiB')
    writeFileSync(file('good'), 'a: 1\n')
    symlinkSync('good', file('linked'))
    t.equal(readConfigText(file('linked')), 'a: 1\n', 'a link is followed')
  },
)
