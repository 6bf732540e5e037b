// Binds tests to the files whose coverage they answer for: a unit test to its twin,
// all unit tests to all pure files. Other tests count by what they see from outside.
import { readFileSync } from 'node:fs'

const config = JSON.parse(readFileSync('.oxlintrc.json', 'utf8'))
const pureFiles = config.overrides.find(({ files }) =>
  files.includes('choice/choose.ts'),
).files

// eslint-disable-next-line import/no-default-export -- tap wants it so
export default test => {
  if (test === 'test/unit.test.ts') return pureFiles
  const twin = test.replace(/^test\/unit\//, '').replace(/\.test\.ts$/, '.ts')
  // null = none; [] would mean every file it loads
  return pureFiles.includes(twin) ? [twin] : null
}
