import {
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import t from 'tap'
import { install, run } from '../../process/cli/command.ts'

void t.test('drain writes the file and prints the effect', t => {
  const installation = install(t)
  const before = Date.now()
  const { code, stdout, stderr } = run(
    installation,
    ['drain', 'zope1', '--for', '30m', '--reason', 'new\ndisk \u001B[31m'],
    { env: { SUDO_USER: 'jim' } },
  )
  const after = Date.now()
  t.match({ code, stderr }, { code: 0, stderr: '' })
  const end =
    /^zope1: drain until (\S+)\npool default: new visitors go to zope2\n$/.exec(
      stdout,
    )?.[1]
  const ms = Date.parse(end ?? '')
  t.ok(ms >= before + 1_800_000 && ms <= after + 1_801_000, stdout)
  t.equal(
    readFileSync(`${installation.directory}/zope1.drain`, 'utf8'),
    `until: ${end?.replace('.000', '')}\nby: jim\nreason: new disk [31m\n`,
  )
  t.strictSame(readdirSync(installation.directory), ['zope1.drain'])
  t.end()
})

void t.test('the file in effect is printed, and that no backend is left', t => {
  const installation = install(t)
  t.match(run(installation, ['maint', 'zope1']), {
    code: 0,
    stdout: 'zope1: maint\npool default: new visitors go to zope2\n',
  })
  t.match(run(installation, ['force', 'zope1']), {
    stdout:
      'zope1: force\nzope1: maint is set as well and takes precedence\npool default: new visitors go to zope2\n',
  })
  t.match(run(installation, ['maint', 'zope2']), {
    code: 0,
    stdout:
      'zope2: maint\npool default: NO BACKEND can serve new visitors now\n',
  })
  t.match(run(installation, ['ready', 'zope1']), {
    code: 0,
    stdout:
      'zope1: no longer maint, force\npool default: new visitors go to zope1\n',
  })
  t.match(run(installation, ['ready', 'zope1']), {
    code: 0,
    stdout: 'zope1: nothing was set\npool default: new visitors go to zope1\n',
  })
  t.strictSame(readdirSync(installation.directory), ['zope2.maint'])
  t.end()
})

void t.test('a failed action reports why', t => {
  const installation = install(t)
  const { directory } = installation
  mkdirSync(`${directory}/zope1.drain`)
  for (const args of [
    ['drain', 'zope1'],
    ['ready', 'zope1'],
  ])
    t.match(run(installation, args), {
      code: 1,
      stdout: '',
      stderr: `${directory}/zope1.drain could not be changed (EISDIR); a directory has this name: remove it\n`,
    })
  t.match(run(installation, ['maint', 'zope1']), {
    code: 0,
    stderr: 'zope1.drain is not a regular file and is ignored; remove it\n',
  })
  rmSync(directory, { recursive: true, maxRetries: 10 })
  t.strictSame(run(installation, ['drain', 'zope1']), {
    code: 1,
    stdout: '',
    stderr: `${directory}/zope1.drain could not be changed (ENOENT); create it, or start the monitor, which does\n`,
  })
  writeFileSync(directory, '')
  t.match(run(installation, ['drain', 'zope1']), {
    code: 1,
    stderr: /could not be changed \(ENOTDIR\); something else is in its place/,
  })
  t.end()
})

void t.test('the front is steered like a backend', t => {
  const plain = install(t)
  t.match(run(plain, ['maint', 'front']), {
    code: 2,
    stderr: /front must be configured first/,
  })
  const installation = install(
    t,
    'backends: { zope1: http://127.0.0.1:1, zope2: http://127.0.0.1:2 }\nfront: {}\n',
  )
  t.match(run(installation, ['maint', 'front', '--for', '10m']), {
    code: 0,
    stdout: /^front: maint until \S+\nfront\.up is removed: /,
    stderr: '',
  })
  t.match(run(installation, ['force', 'front', 'zope1']), {
    code: 0,
    stdout:
      /front: maint is set as well and takes precedence\nfront\.up is removed/,
  })
  t.match(readdirSync(installation.directory), ['front.force', 'front.maint'])
  t.match(run(installation, ['ready', 'front']), {
    stdout:
      'front: no longer maint, force\nfront.up follows the verdict of the monitor\n',
  })
  t.match(run(installation, ['force', 'front']), { stdout: /is 100 whatever/ })
  t.match(run(installation, ['drain', 'front', '--wait']), {
    code: 2,
    stderr: /--wait works with backends only/,
  })
  t.match(run(installation, ['completion', 'backends']), {
    stdout: 'zope1\nzope2\nfront\n',
  })
  t.match(run(installation, ['explain', 'front']), {
    code: 0,
    stdout:
      /^front\.up does not exist: .*\nforce is set by .*\nThe monitor sees: unknown\./,
  })
  t.end()
})
