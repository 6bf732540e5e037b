import { readFileSync } from 'node:fs'
import t from 'tap'
import { version } from '../../../system/version.ts'

void t.test('the version is that of the package', t => {
  const packageFile = new URL('../../../package.json', import.meta.url)
  t.match(JSON.parse(readFileSync(packageFile, 'utf8')), { version })
  t.end()
})
