// README's ten minutes, typed one after the other as they stand, on a Debian that
// has nothing of ours: Debian's own apache2 and its commands, and two real Zopes. One
// command is left out, and one is stood in for:
// - npm ci: the packages are those of this checkout, which `npm ci` of .ci/run has
//   just put there
// - systemctl: test/fixtures/systemctl.sh starts what the unit says, for systemd
//   cannot be the first process here
import { execFileSync } from 'node:child_process'
import { cpSync, symlinkSync } from 'node:fs'
import { resolve } from 'node:path'
import t, { type Test } from 'tap'
import { commandsOf, sectionCommands } from '../../fixtures/markdown.ts'
import { checkout, publicDirectory, until } from '../../../lab/processes.ts'
import { noPrivateRoot, startPrivateRoot } from '../../fixtures/private-root.ts'
import type { Shell } from '../../fixtures/shell.ts'

const steps = sectionCommands(
  resolve(checkout, 'README.md'),
  'Ten minutes with your own two Zopes',
)
const leftOut = ['npm ci']

void t.test('README typed as it stands', { skip: noPrivateRoot }, async t => {
  const directory = publicDirectory(t)
  const clone = copyOfCheckout(directory)
  const shell = startPrivateRoot(t, directory, [clone])

  t.equal(steps.length, 6)
  const [
    install = [],
    name = [],
    monitor = [],
    httpd = [],
    see = [],
    out = [],
  ] = steps
  await shell.type(`cd ${clone}`)
  for (const command of install)
    if (!leftOut.includes(command)) await typed(t, shell, command)
  shell.exit()

  await shell.type(`cd ${clone}`)
  await startZopes(shell)
  // Debian's package has started it on a machine with systemd
  await shell.type('apachectl start')

  for (const command of name) {
    // late on a busy machine: it says so, and is asked again
    if (command.includes(' probe '))
      await until(command, async () => {
        const { code, output } = await shell.type(command)
        return code === 0 && output.startsWith('OK: zope')
      })
    else await typed(t, shell, command)
  }

  for (const command of monitor) await typed(t, shell, command)
  await until('the monitor to find both well', async () => {
    const { output } = await shell.type('zope-failover status')
    return (
      output.includes('monitor: alive') &&
      /^zope1 +127\.0\.0\.1:8080 +up /m.test(output) &&
      /^zope2 +127\.0\.0\.1:8081 +up /m.test(output)
    )
  })

  for (const command of httpd) {
    const output = await typed(t, shell, command)
    if (command.endsWith(' check')) t.match(output, 'nothing found')
  }
  await until('the site, by zope1', async () => {
    const page = await visit(shell)
    return page.startsWith('200 ') && page.includes('zope_route=zope1')
  })

  await until('the map to be in use', async () =>
    /^map: alive/m.test((await shell.type('zope-failover status')).output),
  )

  await shell.type('kill $zope1; wait $zope1')
  t.match(await visit(shell), /^200 .*zope_route=zope2/, 'at once')
  for (const command of see) t.match(await typed(t, shell, command), 'zope2')
  await until('zope1 to be down', async () =>
    /^zope1 .* down /m.test((await shell.type('zope-failover status')).output),
  )
  await shell.type('start zope1 8080')
  await until('zope1 to have new visitors', async () =>
    (await visit(shell)).includes('zope_route=zope1'),
  )

  const [drain = '', status = '', ready = ''] = out
  await typed(t, shell, drain)
  t.match(await typed(t, shell, status), /^zope1 .*\+drain /m)
  await until('new visitors to leave zope1', async () =>
    (await visit(shell)).includes('zope_route=zope2'),
  )
  await typed(t, shell, ready)
  await until('new visitors to come back', async () =>
    (await visit(shell)).includes('zope_route=zope1'),
  )

  // what else httpd's administrator types
  for (const command of commandsOf(resolve(checkout, 'docs/apache.md'))) {
    if (command !== 'zope-failover check') await typed(t, shell, command)
    // that page has sites inside Zope, which these two Zopes do not have
    else {
      const { output } = await shell.type(command)
      t.match(output, 'site-missing')
      t.notMatch(output, /^(?:error|warning) (?!site-missing )/m)
    }
  }
})

/** What it printed; it must have ended with 0. */
async function typed(t: Test, shell: Shell, command: string): Promise<string> {
  const { code, output } = await shell.type(command)
  if (!t.equal(code, 0, command)) t.comment(output)
  return output
}

/** Status, headers and body of the site, for a new visitor. */
async function visit(shell: Shell): Promise<string> {
  const { output } = await shell.type('visit')
  return output
}

/** Two instances, as Zope's own script makes them. */
async function startZopes(shell: Shell): Promise<void> {
  const bin = resolve(checkout, '.venv/zope/bin')
  await shell.type(`start() {
  ${bin}/python ${bin}/runwsgi /srv/$1/etc/zope.ini >/srv/$1/log 2>&1 &
  eval "$1=$!"
}
visit() {
  node -e '
    const request = require("http").get(
      { host: "127.0.0.1", port: process.argv[1], headers: { host: "www.example.org" } },
      answer => {
        console.log(answer.statusCode, JSON.stringify(answer.headers))
        answer.resume()
      })
    request.on("error", err => console.log(err.message))' "\${1-80}"
}`)
  for (const [zope, port] of [
    ['zope1', '8080'],
    ['zope2', '8081'],
  ] as const) {
    await shell.type(
      `${bin}/python ${bin}/mkwsgiinstance -d /srv/${zope} -u admin:admin`,
    )
    await shell.type(`sed -i 's/8080/${port}/' /srv/${zope}/etc/zope.ini`)
    await shell.type(`start ${zope} ${port}`)
  }
  for (const port of ['8080', '8081'])
    await until(`a Zope at ${port}`, async () =>
      (await shell.type(`visit ${port}`)).output.startsWith('200 '),
    )
}

/** What a clone would have, with the packages of this checkout. */
function copyOfCheckout(directory: string): string {
  const clone = `${directory}/zope-failover`
  const files = execFileSync(
    'git',
    ['-c', `safe.directory=${checkout}`, 'ls-files', '-z'],
    { cwd: checkout, encoding: 'utf8' },
  )
  for (const file of files.split('\0').filter(name => name !== ''))
    // with its times, or prepare.sh would fetch the packages that are linked below
    cpSync(resolve(checkout, file), resolve(clone, file), {
      preserveTimestamps: true,
    })
  symlinkSync(resolve(checkout, 'node_modules'), `${clone}/node_modules`)
  return clone
}
