// Binds a test to the one file whose coverage it answers for: its twin, when
// that file is pure (no I/O). Other tests count by what they see from outside.
import { readFileSync } from 'node:fs'

const config = JSON.parse(readFileSync('.oxlintrc.json', 'utf8'))
const pureFiles = new Set(
  config.overrides.find(({ files }) => files.includes('choice/choose.ts'))
    .files,
)

// eslint-disable-next-line import/no-default-export -- tap wants it so
export default test => {
  const twin = test.replace(/^test\/unit\//, '').replace(/\.test\.ts$/, '.ts')
  // null = none; [] would mean every file it loads
  return pureFiles.has(twin) ? [twin] : null
}
