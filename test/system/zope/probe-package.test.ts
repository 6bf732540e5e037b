// The package of examples/zope by itself; on a real Zope: view.test.ts.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { hangMs, publicDirectory } from '../../../lab/processes.ts'
import { findPython } from '../../../lab/zeo.ts'

await t.test('its own tests, in Python', t => {
  const folder = fileURLToPath(new URL('.', import.meta.url))
  const { status, stderr } = spawnSync(
    findPython(),
    ['-m', 'unittest', '--verbose', 'test_probe_package'],
    {
      cwd: folder,
      env: {
        PYTHONDONTWRITEBYTECODE: '1',
        PYTHONPATH: `${folder}:${folder}/../../../examples/zope`,
      },
      encoding: 'utf8',
      timeout: hangMs,
    },
  )
  if (status !== 0) t.comment(stderr)
  t.equal(status, 0)
  t.match(stderr, /^Ran \d\d tests/m)
  t.end()
})

await t.test('it can be installed, with the entry point Plone looks for', t => {
  const directory = publicDirectory(t)
  // building leaves files behind
  cpSync(
    fileURLToPath(new URL('../../../examples/zope', import.meta.url)),
    `${directory}/source`,
    { recursive: true },
  )
  const pip = ['-m', 'pip', '--quiet', '--disable-pip-version-check']
  execFileSync(findPython(), [
    ...pip,
    ...['install', '--no-index', '--no-deps', '--no-build-isolation'],
    ...['--no-compile', `--target=${directory}/installed`],
    `${directory}/source`,
  ])
  const files = readdirSync(`${directory}/installed`, {
    encoding: 'utf8',
    recursive: true,
  })
  for (const file of readdirSync(`${directory}/source/zope_failover_probe`))
    if (/[.](py|zcml)$/.test(file))
      t.ok(files.includes(`zope_failover_probe/${file}`), file)
  const entryPoints = files.find(file => /entry_points[.]txt$/.test(file))
  t.equal(
    readFileSync(
      `${directory}/installed/${entryPoints ?? 'none'}`,
      'utf8',
    ).trim(),
    '[z3c.autoinclude.plugin]\ntarget = plone',
  )
  t.end()
})
