// The program that measures take-over; its steps are tested by test/takeover.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'

const main = 'dist/bench/takeover.js'

function run(...args: readonly string[]) {
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' })
}

void t.test('npm run bench:takeover runs it', t => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
  t.match(scripts['bench:takeover'], new RegExp(`node ${main}$`))
  const { status, stdout } = run('--help')
  t.equal(status, 0)
  t.match(stdout, '--only')
  t.end()
})

void t.test('a part that does not exist', t => {
  const { status, stderr } = run('--only', 'squid')
  t.equal(status, 2)
  t.match(stderr, '--only must be one of shared, own, tiers, nat, got "squid"')
  t.end()
})
