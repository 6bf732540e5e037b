import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { constants, readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import t, { type Test } from 'tap'
import {
  beatMonitor,
  cpuSeconds,
  mapMain,
  MapProgram,
  namedPipe,
  putUp,
  reportOf,
  spawnBare,
  startMap,
  statusOf,
  writeConfig,
} from '../../../lab/map.ts'
import { publicDirectory, until } from '../../../lab/processes.ts'

/** Backends a, b and c, all up. */
function threeUp(t: Test) {
  const directory = publicDirectory(t)
  putUp(directory, 'a', 'b', 'c')
  beatMonitor(directory, ['a', 'b', 'c'])
  const config = writeConfig(`${directory}/.config.yaml`, directory, 'a b c')
  return { directory, config }
}

void t.test(
  'lines that come in pieces, in one piece, or incomplete',
  async t => {
    const map = startMap(t, threeUp(t).config)
    await t.test('10,000 in one write', async t => {
      const nonces = Array.from({ length: 10_000 }, (_, index) => index)
      map.stdin.write(nonces.map(nonce => `${nonce} default c\n`).join(''))
      const answers: string[] = []
      while (answers.length < nonces.length) answers.push(await map.line())
      t.strictSame(
        answers,
        nonces.map(nonce => `${nonce} c`),
      )
    })
    await t.test('byte by byte', async t => {
      for (const byte of 'n default b\n') {
        map.stdin.write(byte)
        await new Promise(setImmediate)
      }
      t.equal(await map.line(), 'n b')
    })
    await t.test('exactly 8,192 bytes, and one more', async t => {
      const line = 'n default c '.padEnd(8_192, 'x')
      t.equal(await map.ask(line), 'n c')
      t.equal(await map.ask(`${line}x`), 'n NULL')
      t.equal(await map.ask(line), 'n c', 'the next one is its own line')
    })
    await t.test('a megabyte without a newline', async t => {
      t.equal(await map.ask(`n ${'x'.repeat(1_000_000)}`), 'n NULL')
      t.equal(await map.ask('x'.repeat(1_000_000)), 'NULL')
      t.equal(await map.ask('n default c'), 'n c')
    })
    await t.test('what httpd never sends', async t => {
      for (const [line, answer] of [
        ['', 'NULL'],
        ['\r', '\r NULL'],
        ['n default\r', 'n NULL'],
        ['\0\xff default c', '\0\xff c'],
        ['n default  \0\xff\xfe', 'n a'],
        [' default c', 'c'],
        ['- default c', 'c'],
        ['- nowhere', 'NULL'],
      ] as const)
        t.equal(await map.ask(line), answer, JSON.stringify(line))
    })
    await t.test('half a line, then the end: no answer, exit 0', async t => {
      map.stdin.write('n default c\nn defa')
      t.equal(await map.line(), 'n c')
      t.strictSame(await map.end(), { code: 0, signal: null })
      t.equal(map.rest, '')
    })
  },
)

void t.test('a slow reader loses nothing', async t => {
  const { directory, config } = threeUp(t)
  const map = startMap(t, config)
  map.stdout.pause()
  const lines = Array.from(
    { length: 100_000 },
    (_, index) => `${index} default c\n`,
  )
  map.stdin.write(lines.join(''))
  // both pipes hold less than that: in the end the map program can only wait
  await until('a second report', () => {
    const report = reportOf(directory, map.pid)
    return report !== undefined && report.lookups > 0
  })
  t.equal(map.rest, '')
  map.stdout.resume()
  for (let nonce = 0; nonce < lines.length; nonce++) {
    const answer = await map.line()
    if (answer !== `${nonce} c`)
      throw new Error(`expected ${nonce} c, got ${answer}`)
  }
  t.strictSame(await map.end(), { code: 0, signal: null })
})

void t.test('a closed output ends it quietly', async t => {
  const map = startMap(t, threeUp(t).config)
  t.equal(await map.ask('n default'), 'n a')
  map.stdout.destroy()
  map.stdin.write('n default\n')
  t.strictSame(await map.exit(), { code: 0, signal: null })
  t.notMatch(map.stderr, /EPIPE|Error/)
})

void t.test('input that does not block is waited for', async t => {
  const { directory, config } = threeUp(t)
  const { input, writer } = namedPipe(t)
  const child = spawnBare([process.execPath, mapMain, '--config', config], {
    stdio: [input, 'pipe', 'pipe'],
  })
  // one open file, two processes: what libuv sets here holds there too
  const socket = new Socket({ fd: input, readable: false, writable: true })
  t.teardown(() => socket.destroy())
  const map = new MapProgram(t, child, writer)
  const flags = Number.parseInt(
    /flags:\s*(\d+)/.exec(
      readFileSync(`/proc/${map.pid}/fdinfo/0`, 'utf8'),
    )?.[1] ?? '',
    8,
  )
  t.ok((flags & constants.O_NONBLOCK) !== 0, 'its input does not block')
  t.equal(await map.ask('n default'), 'n a')
  const before = cpuSeconds(map.pid)
  const began = performance.now()
  const written = () => reportOf(directory, map.pid)?.written
  const first = await until('a report', written)
  await until('the next, a second later', () => written() !== first)
  t.comment(
    `idle on such an input: ${(cpuSeconds(map.pid) - before).toFixed(2)} s of processor time in ${((performance.now() - began) / 1_000).toFixed(1)} s`,
  )
  t.equal(await map.ask('m default c'), 'm c')
  t.strictSame(await map.end(), { code: 0, signal: null })
})

/** The lookup protocol in three lines, without a parser. */
const answerTo = (key: string): string => {
  const nonce = /^[^ ]{1,256}(?= |$)/.exec(key)?.[0] ?? '-'
  const route = /^[^ ]+ default ([abc]) /.exec(key)?.[1]
  const answer = route === undefined || key.length > 8_192 ? 'NULL' : route
  return nonce === '-' ? `${answer}\n` : `${nonce} ${answer}\n`
}

void t.test(
  'a million random keys: one line each, in order, no growth',
  async t => {
    const map = startMap(t, threeUp(t).config)
    const pool = randomBytes(1 << 20)
    for (let index = 0; index < pool.length; index++)
      if (pool[index] === 0x0a) pool[index] = 0x20
    const text = pool.toString('latin1')
    let state = randomBytes(4).readUInt32LE()
    t.comment(`seed ${state}`)
    const random = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return Math.floor((state / 2 ** 32) * below)
    }
    const slice = (length: number): string => {
      const from = random(text.length - length)
      return text.slice(from, from + length)
    }
    const total = 1_000_000
    let [sent, bytes, rssAtQuarter] = [0, 0, 0]
    while (sent < total) {
      // bursts, and now and then a single one, as httpd sends them
      const burst = Math.min(
        total - sent,
        random(4) === 0 ? 1 : 1 + random(8_000),
      )
      let keys = ''
      let expected = ''
      for (let index = 0; index < burst; index++) {
        const length = random(8) === 0 ? random(10_001) : random(300)
        const key =
          random(2) === 0
            ? slice(length)
            : `${(sent + index).toString(36)} default ${'abc'[random(3)]} ${slice(length)}`
        keys += `${key}\n`
        expected += answerTo(key)
      }
      sent += burst
      bytes += keys.length
      map.stdin.write(keys, 'latin1')
      while (map.rest.length < expected.length) await once(map.stdout, 'data')
      if (map.takeRest() !== expected)
        throw new Error(`answers differ among the ${burst} before key ${sent}`)
      if (rssAtQuarter === 0 && sent >= total / 4)
        rssAtQuarter = Number.parseInt(statusOf(map.pid, 'VmRSS'))
    }
    const rss = Number.parseInt(statusOf(map.pid, 'VmRSS'))
    t.comment(
      `${sent} keys, ${Math.round(bytes / 1e6)} MB; memory (VmRSS) ${Math.round(rssAtQuarter / 1024)} MiB at 25 %, ${Math.round(rss / 1024)} MiB at the end`,
    )
    t.ok(rss < rssAtQuarter + 65_536, 'memory does not grow')
    t.strictSame(await map.end(), { code: 0, signal: null })
    t.equal(map.rest, '', 'not a byte more')
  },
)
