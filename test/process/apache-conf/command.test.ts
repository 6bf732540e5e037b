// `zope-failover apache-conf` as one types it.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  lstatSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import t from 'tap'
import { dist, publicDirectory } from '../../../lab/processes.ts'

type Ran = { code: number | null; stdout: string; stderr: string }

function run(...args: string[]): Ran {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [`${dist}/cli/main.js`, 'apache-conf', ...args],
    { encoding: 'utf8' },
  )
  return { code: status, stdout, stderr }
}

void t.test('prints what to include, and how to make it again', async t => {
  const root = publicDirectory(t)
  const config = `${root}/zope-failover.yaml`
  const page = `${root}/our page.html`
  writeFileSync(config, 'backends: { zope1: http://127.0.0.1:8080 }\n')
  writeFileSync(page, '<p>gone fishing</p>')
  const { code, stdout, stderr } = run(
    `--config=${config}`,
    '--no-vhm',
    '--no-cookie',
    '--exclude=/a',
    '--exclude=/b',
    '--max-connections=8',
    '--timeout=5m',
    `--maintenance-page=${page}`,
  )
  t.strictSame([code, stderr], [0, ''])
  const again = `zope-failover apache-conf --config ${config} --no-vhm --no-cookie --timeout 5m --max-connections 8 --exclude /a --exclude /b --maintenance-page '${page}'`
  t.ok(stdout.includes(`\n#   ${again}\n`))
  t.match(stdout, `"prg:${dist}/rewritemap/launch.sh ${process.execPath} `)
  t.match(stdout, 'gone fishing')
  t.match(stdout, 'ProxyTimeout 300\n')
  t.match(stdout, ' max=8\n')
  const plain = run(`--config=${config}`)
  t.match(plain.stdout, 'Back in a moment')
  for (const [old, now] of [
    ['--local=/a', '--exclude'],
    ['--patience=5s', '--failover-after'],
    ['--reuse', '--keep-alive'],
    ['--max=8', '--max-connections'],
  ] as const)
    t.match(run(`--config=${config}`, old), {
      code: 2,
      stderr: new RegExp(`${old.replace(/=.*/, '')}\\b.*is now ${now}\n`),
    })
  t.match(plain.stdout, `#   zope-failover apache-conf --config ${config}\n`)
})

void t.test('--output keeps a file that was edited', async t => {
  const root = publicDirectory(t)
  const config = `${root}/zope-failover.yaml`
  const file = `${root}/made.conf`
  const write = (...args: string[]): Ran =>
    run(`--config=${config}`, `--output=${file}`, '--observe', ...args)
  const configure = (names: string): void => {
    writeFileSync(config, `backends: { ${names} }\n`)
  }
  configure('zope1: http://127.0.0.1:8080')
  t.match(write(), {
    code: 0,
    stdout: '',
    stderr: /made\.conf was created; next:/,
  })
  const made = readFileSync(file, 'utf8')
  t.equal(statSync(file).mode & 0o777, 0o644)
  t.match(
    made,
    `#   zope-failover apache-conf --config ${config} --observe\n`,
    'neither --output nor --force is part of how it is made',
  )
  t.equal(made, run(`--config=${config}`, '--observe').stdout)
  t.match(write(), { code: 0, stderr: /is up to date\n$/ })

  configure('zope1: http://127.0.0.1:8080, zope2: http://127.0.0.1:8081')
  chmodSync(file, 0o600)
  t.match(write(), { code: 0, stderr: /was updated/ })
  t.equal(statSync(file).mode & 0o777, 0o644, 'not the mode of the old one')
  t.match(readFileSync(file, 'utf8'), 'zf.zope1.zope2')

  const edited = `${readFileSync(file, 'utf8')}# mine\n`
  writeFileSync(file, edited)
  t.match(write(), {
    code: 1,
    stderr:
      /was changed by hand since it was made and is left as it is; --force/,
  })
  t.equal(readFileSync(file, 'utf8'), edited)
  t.match(write('--force'), { code: 0 })
  t.notMatch(readFileSync(file, 'utf8'), '# mine')

  writeFileSync(file, 'ServerName x\n')
  t.match(write(), { code: 1, stderr: /was not made by apache-conf/ })
  rmSync(file)
  symlinkSync(`${root}/elsewhere.conf`, file)
  writeFileSync(`${root}/elsewhere.conf`, made)
  t.match(write(), { code: 0, stderr: /elsewhere\.conf was updated/ })
  t.ok(lstatSync(file).isSymbolicLink(), 'a link stays one')
  t.strictSame(
    readdirSync(root).sort((one, other) => (one < other ? -1 : 1)),
    ['elsewhere.conf', 'made.conf', 'zope-failover.yaml'],
    'nothing is left aside',
  )

  for (const [output, text] of [
    // as root it is refused for /tmp, in which it lies, before that is seen
    [root, /--output must name a (?:regular file, got|file in a directory)/],
    [`${root}/none/x.conf`, /--output must name a file that can .*\(ENOENT\)/],
  ] as const)
    t.match(run(`--config=${config}`, `--output=${output}`), {
      code: 1,
      stdout: '',
      stderr: text,
    })
})

void t.test('wrong usage is exit code 2, with nothing on stdout', async t => {
  const root = publicDirectory(t)
  const config = `${root}/zope-failover.yaml`
  writeFileSync(config, 'backends: { zope1: http://127.0.0.1:8080 }\n')
  for (const [args, text] of [
    [
      ['--style=txt', '--affinity=url'],
      /^--affinity must be none with --style/,
    ],
    [['--part=server', '--pool=x'], /^--pool must be left out with --part ser/],
    [
      ['--part=site', '--max-connections=9'],
      /^--max-connections must be left out with --part site/,
    ],
    [['--part=half'], /Allowed choices are whole, server, site/],
    [['--force'], /^--force must come with --output/],
    [['--style=magic'], /Allowed choices are prg, txt, sentinel/],
    [['--timeout=5'], /^--timeout must be a duration such as 60s or 5m/],
    [['--retry-after=x'], /^--retry-after must be a duration/],
    [
      ['--max-connections=0'],
      /^--max-connections must be a number from 1, got "0"/,
    ],
    [['--pool=x'], /^--pool must name one of the pools \(default\), got "x"/],
    [['--url=x', '--site=y'], /^--url .*\n--site .*\n$/],
    [
      [`--maintenance-page=${root}/none`],
      /^--maintenance-page must be a readable file, got ".*" \(ENOENT\)\n$/,
    ],
    [[`--config=${root}/none`], /none: the configuration must be a readable/],
    [['--unknown'], /unknown option '--unknown'/],
  ] as const) {
    const { code, stdout, stderr } = run(`--config=${config}`, ...args)
    t.strictSame([code, stdout], [2, ''], args.join(' '))
    t.match(stderr, text)
  }
})

void t.test('a map that could not be started is told', async t => {
  const root = publicDirectory(t)
  const config = `${root}/zope-failover.yaml`
  writeFileSync(config, 'backends: { zope1: http://127.0.0.1:8080 }\n')
  cpSync(dist, `${root}/home/dist`, { recursive: true })
  const checkout = dirname(dist)
  cpSync(`${checkout}/package.json`, `${root}/home/package.json`)
  symlinkSync(resolve('node_modules'), `${root}/home/node_modules`)
  chmodSync(`${root}/home`, 0o700)
  const copy = (...args: string[]): Ran => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [`${root}/home/dist/cli/main.js`, 'apache-conf', ...args],
      { encoding: 'utf8' },
    )
    return { code: status, stdout, stderr }
  }
  t.strictSame(copy(`--config=${config}`).stderr, '')
  const closed = copy(`--config=${config}`, '--map-user=www-data')
  t.equal(closed.code, 0)
  t.equal(
    closed.stderr,
    `warning: ${root}/home is not accessible to all users; make sure that www-data can enter it, or the map program cannot start\n`,
  )
  rmSync(`${root}/home/dist/rewritemap/launch.sh`)
  const missing = copy(`--config=${config}`)
  t.strictSame([missing.code, missing.stdout], [2, ''])
  t.match(missing.stderr, /must hold the built map program \(ENOENT\)/)
})
