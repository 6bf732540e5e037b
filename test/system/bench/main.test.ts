import { execFile, execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'

const run = promisify(execFile)
const main = 'dist/bench/main.js'
const headings = [
  '### Lookups through pipes',
  '### Requests through httpd',
  "### From a sentinel's change to the first changed answer",
  '### From a cold start to the first answer',
  '### Resident memory of the map',
  '### Targets',
]
const squidHeadings = [
  "### Squid's helper",
  '### ICP answers while the table changes',
]

void t.test('npm run bench runs the program that is tested here', async t => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
  t.match(scripts.bench, new RegExp(`node ${main}$`))
  t.ok(existsSync(main), 'built')
})

/** @param path what the benchmark finds as PATH */
async function bench(
  t: Test,
  folder: string,
  path: string | undefined,
  ...args: string[]
): Promise<{ stdout: string; stderr: string }> {
  const scratch = join(folder, 'scratch')
  mkdirSync(scratch)
  const ended = await run(process.execPath, [main, ...args], {
    env: { ...process.env, PATH: path, TMPDIR: scratch },
    signal: AbortSignal.timeout(120_000),
  })
  t.same(readdirSync(scratch), [], 'no file is left behind')
  // a map that httpd had started ends when httpd's last child has ended
  const end = performance.now() + 10_000
  while (programsIn(scratch).length > 0 && performance.now() < end)
    await pause(50)
  t.same(programsIn(scratch), [], 'no process is left behind')
  return ended
}

/** Command lines that name something in a folder. */
function programsIn(folder: string): string[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(pid => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
      } catch {
        // it has ended meanwhile
        return ''
      }
    })
    .filter(line => line.includes(folder))
}

void t.test('a quick run prints every section', async t => {
  const { stdout } = await bench(t, t.testdir(), process.env['PATH'], '--quick')
  for (const heading of [...headings, ...squidHeadings])
    t.ok(stdout.includes(heading), heading)
  for (const row of [
    'this map',
    'C map',
    'Perl one-liner',
    'no map',
    'C helper',
  ])
    t.ok(stdout.includes(`\n| ${row} | `), row)
  t.notMatch(stdout, /NaN|undefined/)
  t.notMatch(stdout, /not measured/)
  t.equal(stdout.match(/^- \*\*(met|missed)\*\*: /gm)?.length, 10)
})

void t.test(
  'without a C compiler Node plays httpd, and it is said',
  async t => {
    const folder = t.testdir()
    const path = join(folder, 'bin')
    mkdirSync(path)
    const mkfifo = execFileSync('sh', ['-c', 'command -v mkfifo'])
    symlinkSync(mkfifo.toString().trim(), join(path, 'mkfifo'))
    const { stdout, stderr } = await bench(t, folder, path, '--quick')
    for (const heading of headings) t.ok(stdout.includes(heading), heading)
    t.match(stderr, /no C compiler/)
    t.notMatch(stdout, /C map \|/)
    t.equal(stdout.match(/^- \*\*not measured\*\*: /gm)?.length, 2)
  },
)

void t.test('wrong usage is refused', async t => {
  for (const args of [['--fast'], ['--only', 'speed']]) {
    const folder = t.testdir()
    await t.rejects(bench(t, folder, process.env['PATH'], ...args), { code: 2 })
  }
})
