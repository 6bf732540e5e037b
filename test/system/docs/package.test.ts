// The package as `npm pack` makes it and `npm install -g` puts it in place.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import { dist, publicDirectory } from '../../../lab/processes.ts'

const root = resolve(dist, '..')

void t.test('packed, installed, and used', t => {
  const directory = publicDirectory(t)
  // npm's own environment, which this test may run in, would have its say
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(?:npm_|NODE_OPTIONS|TAP)/i.test(name),
    ),
  )
  const run = (program: string, ...args: string[]): string =>
    execFileSync(program, args, { encoding: 'utf8', env, cwd: root })
  // without scripts: prepack would build while other tests use what is built
  const [packed]: {
    filename: string
    files: { path: string }[]
  }[] = JSON.parse(
    run(
      'npm',
      ...[
        'pack',
        '--json',
        '--ignore-scripts',
        '--pack-destination',
        directory,
      ],
    ),
  )
  const files = (packed?.files ?? []).map(({ path }) => path)
  for (const file of [
    'dist/cli/main.js',
    'dist/rewritemap/launch.sh',
    'dist/apache-conf/prg.conf',
    'dist/man/zope-failover.1',
    'examples/two-zopes/zope-failover.yaml',
    'docs/notices.md',
    'README.md',
    'LICENSE',
  ])
    t.ok(files.includes(file), file)
  t.strictSame(
    files.filter(path => /^(?:dist\/)?(?:test|bench|demo)\//.test(path)),
    [],
    'nothing that only serves here',
  )

  const prefix = `${directory}/usr local`
  run(
    'npm',
    ...['install', '--global', '--prefix', prefix, '--prefer-offline'],
    ...['--no-audit', '--no-fund', `${directory}/${packed?.filename}`],
  )
  const command = `${prefix}/bin/zope-failover`
  const { version } = JSON.parse(
    readFileSync(resolve(root, 'package.json'), 'utf8'),
  )
  t.equal(run(command, '--version'), `${version}\n`)

  const config = resolve(root, 'examples/two-zopes/zope-failover.yaml')
  t.match(
    run(command, 'apache-conf', '--config', config),
    `prg:'${prefix}/lib/node_modules/zope-failover/dist/rewritemap/launch.sh' `,
    'httpd starts the launcher of this installation',
  )
  t.equal(
    run(command, 'completion', 'backends', '--config', config),
    'zope1\nzope2\n',
  )
  t.match(run(command, 'completion', 'bash'), 'complete -F _zope_failover')

  const page = `${prefix}/share/man/man1/zope-failover.1`
  t.ok(existsSync(page), 'man finds it')
  tryManual(run, command, readFileSync(page, 'utf8'))
  t.end()
})

/** All that --help tells is in the page. */
function tryManual(
  run: (program: string, ...args: string[]) => string,
  command: string,
  page: string,
): void {
  const text = page.replaceAll('\\-', '-')
  const names = [...run(command, '--help').matchAll(/^ {2}([a-z][\w-]*) /gm)]
    .map(([, name = '']) => name)
    .filter(name => name !== 'help')
  t.ok(names.includes('monitor'), 'the subcommands were found')
  for (const name of names) {
    const section = text
      .split('\n.SS\n')
      .find(
        part =>
          part.startsWith(`zope-failover ${name}\n`) ||
          part.startsWith(`zope-failover ${name} `),
      )
    const help = run(command, name, '--help')
    for (const [, option = ''] of help.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm))
      t.ok(section?.includes(`.B ${option}`), `${name} ${option}`)
  }
}
