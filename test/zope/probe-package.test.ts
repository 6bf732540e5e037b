// The package of examples/zope by itself; on a real Zope: view.test.ts.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { hangMs } from '../fixtures/processes.ts'
import { findPython } from '../fixtures/zeo.ts'

await t.test('its own tests, in Python', t => {
  const folder = fileURLToPath(new URL('.', import.meta.url))
  const { status, stderr } = spawnSync(
    findPython(),
    ['-m', 'unittest', '--verbose', 'test_probe_package'],
    {
      cwd: folder,
      env: {
        PYTHONDONTWRITEBYTECODE: '1',
        PYTHONPATH: `${folder}:${folder}/../../examples/zope`,
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
