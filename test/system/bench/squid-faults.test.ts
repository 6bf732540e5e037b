// npm run bench:squid, shortened; its figures decide nothing.
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { startProgram } from '../../../lab/processes.ts'

const main = 'dist/bench/squid-faults/main.js'

async function bench(t: Test, ...args: string[]) {
  const program = startProgram(t, process.execPath, [main, ...args])
  await program.gone
  return { code: program.child.exitCode, output: program.output() }
}

void t.test('npm run bench:squid runs the program that is tested here', t => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
  t.match(scripts['bench:squid'], new RegExp(`node ${main}$`))
  t.end()
})

void t.test('one fault is measured', async t => {
  const { code, output } = await bench(t, '--quick', '--only', 'drain')
  t.equal(code, 0, output)
  t.match(
    output,
    /^\| drain \| \d+ \| \d+ \| (?:last new visitor after \d+ ms|no new visitor came later) \| within 100 ms \|$/m,
  )
})

void t.test('wrong usage is refused, help is not', async t => {
  const unknown = await bench(t, '--only', 'flood')
  t.equal(unknown.code, 2)
  t.match(unknown.output, '--only must be one of killed, ')
  t.equal((await bench(t, '--fast')).code, 2)
  const { code, output } = await bench(t, '--help')
  t.equal(code, 0)
  t.match(output, 'npm run bench:squid -- ')
})
