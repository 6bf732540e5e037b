import { writeFileSync } from 'node:fs'
import t from 'tap'
import { defaultConfigFile, readConfigText } from '../../config/file.ts'
import { ConfigError } from '../../config/problem.ts'

function problemOf(file: string): string {
  try {
    readConfigText(file)
    return ''
  } catch (err) {
    if (!(err instanceof ConfigError)) throw err
    return err.problems.join('\n').replaceAll(file, 'f')
  }
}

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
      'f: the configuration must be a readable file, got EISDIR; name a file with --config, not a directory',
    ],
    [
      'missing',
      'f: the configuration must be a readable file, got ENOENT; create it (two lines are enough, see README) or name another with --config',
    ],
    [
      'latin1/below',
      'f: the configuration must be a readable file, got ENOTDIR; mend that or name another file with --config',
    ],
  ] as const)
    t.equal(problemOf(`${directory}/${file}`), problem)
  t.match(problemOf('/dev/zero'), 'must be at most 1 MiB')
  t.end()
})
