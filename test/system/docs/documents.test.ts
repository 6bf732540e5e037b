// What the documents tell a user to type works as it stands.
import { execFile } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, resolve } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { knownKeys } from '../../../config/schema.ts'
import { parseConfig } from '../../../config/parse.ts'
import { version } from '../../../system/version.ts'
import { noticeOf, type Item } from '../../../monitor/notify/notice.ts'
import { mapStates, states } from '../../../sentinels/reports.ts'
import { startHttpd } from '../../../lab/httpd.ts'
import {
  blocksOf,
  commandsOf,
  headingsOf,
  sectionCommands,
} from '../../fixtures/markdown.ts'
import {
  dist,
  publicDirectory,
  startProgram,
  until,
} from '../../../lab/processes.ts'
import { promtool } from '../../fixtures/promtool.ts'

const run = promisify(execFile)
const root = resolve(dist, '..')
const command = resolve(dist, 'cli/main.js')
const manifest: { version: string; scripts: Record<string, string> } =
  JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8'))

await t.test('the version in the code is that of the package', t => {
  t.equal(version, manifest.version)
  const changes = readFileSync(resolve(root, 'CHANGELOG.md'), 'utf8')
  t.match(changes, `## ${version} `, 'and CHANGELOG begins with it')
  t.end()
})

// what a user reads; CHANGELOG and ARCHITECTURE have nothing to type
const documents = [
  ...['README.md', 'CONTRIBUTING.md', 'examples/README.md'],
  ...readdirSync(resolve(root, 'docs'))
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`),
  ...readdirSync(resolve(root, 'examples'))
    .map(name => `examples/${name}/README.md`)
    .filter(name => existsSync(resolve(root, name))),
]

await t.test('every YAML fragment is a configuration', t => {
  for (const document of documents)
    for (const block of blocksOf(resolve(root, document), 'yaml'))
      t.doesNotThrow(() => parseConfig(block, document), document)
  t.end()
})

await t.test('every link leads somewhere', t => {
  for (const document of [...documents, 'ARCHITECTURE.md', 'CHANGELOG.md']) {
    const text = readFileSync(resolve(root, document), 'utf8')
    for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(link)) continue
      const [file = '', heading] = link.split('#')
      const target = resolve(root, document, file === '' ? '.' : '..', file)
      const leads =
        existsSync(target) &&
        (heading === undefined || headingsOf(target).includes(heading))
      t.ok(leads, `${document}: ${link}`)
    }
  }
  t.end()
})

await t.test('every picture exists, is small, and has a description', t => {
  let pictures = 0
  for (const document of documents) {
    const text = readFileSync(resolve(root, document), 'utf8')
    for (const [, file = ''] of text.matchAll(
      /(?:src="|srcset="|!\[[^\]]+\]\()([^")]+)/g,
    )) {
      pictures++
      const { size } = statSync(resolve(root, document, '..', file))
      t.ok(
        size > 0 && size <= 150 * 1024,
        `${document}: ${file}, ${size} bytes`,
      )
    }
    t.notMatch(text, /!\[\]/, document)
    for (const [img] of text.matchAll(/<img[^>]*>/g))
      t.match(img, /alt="[^"]{10,}"/, document)
  }
  t.ok(pictures >= 7)
  t.end()
})

await t.test('README leads to the index, the index to every page', t => {
  const readme = readFileSync(resolve(root, 'README.md'), 'utf8')
  t.match(readme, '](docs/README.md)')
  const index = readFileSync(resolve(root, 'docs/README.md'), 'utf8')
  for (const document of documents)
    if (document.startsWith('docs/') && document !== 'docs/README.md')
      t.ok(index.includes(`](${basename(document)})`), document)
  t.end()
})

await t.test('every httpd fragment is taken by httpd', async t => {
  const example = resolve(root, 'examples/two-zopes/zope-failover.yaml')
  const argv = [command, 'apache-conf', '--config', example, '--style', 'txt']
  const generated = `${publicDirectory(t)}/zope-failover.conf`
  await run(process.execPath, [...argv, '--output', generated])
  const blocks = documents.flatMap(document =>
    blocksOf(resolve(root, document), 'apache'),
  )
  t.ok(blocks.length > 2)
  const conf = blocks.join('').replace(/^(Include ).*$/gm, `$1${generated}`)
  await startHttpd(t, { conf })
})

await t.test('every line of a unit runs a command that there is', async t => {
  const lines = documents.flatMap(document =>
    blocksOf(resolve(root, document), 'ini').flatMap(block => [
      ...block.matchAll(/^Exec\w+=\/usr\/bin\/env zope-failover (.*)$/gm),
    ]),
  )
  t.not(lines.length, 0)
  for (const [, args = ''] of lines)
    await tryOurs(t, 'README.md', args.split(' '))
})

/** Every key of the file, such as `probe.deep.path`. */
function keysBelow(path: readonly string[]): string[] {
  // a backend's probe block has the keys of the common one
  if (path.join('.') === 'backends.NAME.probe') return []
  const keys = knownKeys(path)
  if (keys.length > 0) return keys.flatMap(key => keysBelow([...path, key]))
  const named = knownKeys([...path, 'NAME'])
  return named.length > 0
    ? [path.join('.'), ...keysBelow([...path, 'NAME'])]
    : [path.join('.')]
}

await t.test('docs/configuration.md has every key, and no other', t => {
  const page = readFileSync(resolve(root, 'docs/configuration.md'), 'utf8')
  const rows = [...page.matchAll(/^\| (`.*?) +\|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([\w.]+)`/g)].map(([, key = '']) => key),
  )
  const keys = keysBelow([])
  t.ok(keys.length > 60, `${keys.length} keys`)
  for (const key of keys)
    t.ok(
      rows.some(
        row =>
          row === key || row.startsWith(`${key}.`) || key.startsWith(`${row}.`),
      ),
      key,
    )
  for (const row of rows)
    t.ok(
      keys.some(
        key =>
          key === row || key.startsWith(`${row}.`) || row.startsWith(`${key}.`),
      ),
      `${row} is a key`,
    )
  t.end()
})

await t.test('every option of apache-conf is in docs/apache.md', async t => {
  const page = readFileSync(resolve(root, 'docs/apache.md'), 'utf8')
  const help = await run(process.execPath, [command, 'apache-conf', '--help'])
  const options = [...help.stdout.matchAll(/--[a-z][\w-]*/g)]
    .map(([option]) => option)
    .filter(option => !['--help', '--config'].includes(option))
  for (const option of new Set(options)) t.ok(page.includes(option), option)
})

const noItem: Item = {
  what: 'backend',
  name: '',
  state: '',
  severity: 'info',
  reason: '',
  since: '',
}

await t.test('docs/notices.md has all that a notice can say', t => {
  const text = readFileSync(resolve(root, 'docs/notices.md'), 'utf8')
  const item = { ...noItem, was: 'well' }
  const notice = noticeOf('change', [item], [], { host: 'h', count: 1 }, 0)
  for (const word of [
    ...[...Object.keys(notice), ...Object.keys(item)],
    ...[...states, ...mapStates].filter(state => state !== 'unknown'),
  ])
    t.ok(text.includes(`\`${word}\``), word)
  t.end()
})

// ten-minutes.test.ts types these
const typedThere = sectionCommands(
  resolve(root, 'README.md'),
  'Ten minutes with your own two Zopes',
).flat()
const tried = new Set(typedThere.map(line => `README.md ${line}`))
for (const document of documents)
  await t.test(`the commands of ${document} work`, async t => {
    for (const line of commandsOf(resolve(root, document))) {
      // with the same configuration it would be the same again
      const example = resolve(root, document, '../zope-failover.yaml')
      const place = existsSync(example) ? document : 'README.md'
      if (tried.has(`${place} ${line}`)) continue
      tried.add(`${place} ${line}`)
      await t.test(line, t => tryCommand(t, document, line))
    }
  })

async function tryCommand(
  t: Test,
  document: string,
  line: string,
): Promise<void> {
  const [program = '', ...args] = line.split(' ')
  const script = /^npm (?:run )?(\S+)/.exec(line)?.[1]
  if (/^npm (?:ci|pack|(?:un)?install --global \S+)$/.test(line)) {
    // done by .ci/run and package.test.ts
    const wanted = {
      ci: undefined,
      pack: undefined,
      install: `zope-failover-${version}.tgz`,
      uninstall: 'zope-failover',
    }[args[0] ?? '']
    t.equal(args[2], wanted)
  } else if (script !== undefined) {
    t.ok(manifest.scripts[script], 'is a script of the package')
  } else if (program === 'npx') {
    t.ok(existsSync(resolve(root, args.at(-1) ?? '')), 'the file is there')
  } else if (program === '.ci/run') {
    t.ok(existsSync(resolve(root, program)), 'the file is there')
  } else if (program === 'promtool') {
    const cwd = resolve(root, document, '..')
    t.match(promtool(args, { cwd }), { code: 0 })
  } else if (program === 'zope-failover') {
    await tryOurs(t, document, args)
  } else {
    // changes the system: adduser, install, systemctl, a2enmod …; bin/pip and curl
    // are those of test/system/zope/probe-package.test.ts
    const files = (program === 'install' ? args : []).filter(arg =>
      /^[^/].*\.(?:yaml|service|conf)$|^notify-by-/.test(arg),
    )
    for (const file of files)
      t.ok(existsSync(resolve(root, document, '..', file)), `${file} is there`)
    t.match(
      program,
      /^(?:adduser|apachectl|apt-get|chgrp|chmod|head|install|journalctl|keepalived|systemctl|systemd-tmpfiles|a2enmod|a2enconf|a2ensite|bin\/pip|curl|rm|squid|sysctl|nft|conntrack)$/,
    )
  }
}

/** With its own configuration, for /etc is not the test's. */
async function tryOurs(
  t: Test,
  document: string,
  args: string[],
): Promise<void> {
  const directory = t.testdir()
  mkdirSync(resolve(directory, 'run'))
  const example = resolve(root, document, '../zope-failover.yaml')
  const text = existsSync(example)
    ? readFileSync(example, 'utf8')
    : 'backends:\n  zope1: http://127.0.0.1:1\n  zope2: http://127.0.0.1:1\n'
  const file = resolve(directory, 'zope-failover.yaml')
  writeFileSync(file, `directory: ${directory}/run\n${text}`)
  const redirection = args.indexOf('>')
  const words = (redirection === -1 ? args : args.slice(0, redirection)).map(
    (word, at) =>
      args[at - 1] === '--output' ? `${directory}/${basename(word)}` : word,
  )
  const [name = '', ...rest] = words
  const configuration = name === 'schema' ? [] : ['--config', file]
  const argv = [command, name, ...configuration, ...rest]
  if (words[0] === 'monitor') {
    const monitor = startProgram(t, process.execPath, argv)
    await until('the monitor to write its report', () =>
      existsSync(`${directory}/run/monitor.json`),
    )
    await monitor.kill('SIGTERM')
    t.equal(monitor.child.exitCode, 0)
    return
  }
  // no backend listens there: critical. No monitor and no map program run: check
  // has findings, and restart refuses (test/system/zope/restart.test.ts)
  const found = args.includes('--fail-on') ? 0 : 1
  const wanted = { probe: 2, check: found, restart: 1 }[words[0] ?? ''] ?? 0
  const code = await run(process.execPath, argv).then(
    () => 0,
    (err: { code: number; stderr: string }) => {
      if (err.code !== wanted) t.comment(err.stderr)
      return err.code
    },
  )
  t.equal(code, wanted)
}
