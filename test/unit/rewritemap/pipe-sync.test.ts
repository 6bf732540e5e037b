import * as fc from 'fast-check'
import t from 'tap'
import { PipeSync } from '../../../rewritemap/pipe-sync.ts'

/** The pipe and the children of httpd, one question at a time. */
class Httpd {
  readonly step = new PipeSync()
  /** unread answers: their nonces, null = without, '…' = half read */
  readonly pipe: (string | null)[] = []
  /** questions that got another one's answer, not reported yet */
  readonly reports: { nonce: string; other: string }[] = []
  #count = 0

  ask(isKilled: 'no' | 'before reading' | 'while reading' = 'no'): void {
    const nonce = `n${++this.#count}`
    this.step.answered(nonce)
    this.pipe.push(nonce)
    if (isKilled === 'while reading') this.pipe[0] = '…'
    if (isKilled !== 'no') return
    const other = this.#read()
    if (other !== nonce && other !== null && other !== '…')
      this.reports.push({ nonce, other })
  }

  report(isKilled = false): void {
    const report = this.reports.shift()
    if (report === undefined) return
    if (!this.step.omits(report.nonce, report.other)) {
      this.step.answered(null)
      this.pipe.push(null)
    }
    if (!isKilled) this.#read()
  }

  #read(): string | null {
    const [line] = this.pipe
    if (line === undefined) throw new Error('httpd waits forever')
    this.pipe.shift()
    return line
  }
}

void t.test('one child killed, one report, pipe resynchronized', t => {
  const httpd = new Httpd()
  httpd.ask()
  httpd.ask('before reading')
  t.equal(httpd.pipe.length, 1)
  httpd.ask()
  t.strictSame(httpd.reports, [{ nonce: 'n3', other: 'n2' }])
  httpd.report()
  t.strictSame(httpd.pipe, [])
  httpd.ask()
  t.strictSame(httpd.reports, [])
  t.end()
})

void t.test('many reports of one killed child', t => {
  const httpd = new Httpd()
  httpd.ask('before reading')
  for (let count = 0; count < 5; count++) httpd.ask()
  t.equal(httpd.reports.length, 5)
  for (let count = 0; count < 5; count++) httpd.report()
  t.strictSame(httpd.pipe, [], 'one line is taken out, not five')
  t.end()
})

void t.test('what proves nothing is answered', t => {
  const step = new PipeSync()
  for (const nonce of ['a', 'b', null, 'c', 'c']) step.answered(nonce)
  for (const [nonce, other] of [
    ['a', 'b'],
    ['a', 'a'],
    ['c', 'c'],
    ['b', null],
    [null, 'a'],
    ['b', 'x'],
    ['x', 'a'],
  ] as const)
    t.equal(step.omits(nonce, other), false, `${nonce} ${other}`)
  t.equal(step.omits('c', 'b'), true)
  t.equal(step.omits('c', 'b'), true, 'c was the fourth at least, b the second')
  t.equal(step.omits('c', 'b'), false)
  t.end()
})

void t.test('an old report no longer proves anything', t => {
  const step = new PipeSync()
  for (const nonce of ['a', 'b']) step.answered(nonce)
  for (let count = 0; count < 1_023; count++) step.answered(null)
  t.equal(step.omits('b', 'a'), false)
  t.end()
})

const event = fc.constantFrom(
  'ask',
  'ask',
  'ask',
  'report',
  'report',
  'before reading',
  'while reading',
  'killed reporting',
)

void t.test('whatever happens, no question waits forever', t => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200 }), events => {
      const httpd = new Httpd()
      for (const it of events)
        if (it === 'ask') httpd.ask()
        else if (it === 'report') httpd.report()
        else if (it === 'killed reporting') httpd.report(true)
        else httpd.ask(it)
      // when no more children are killed, the pipe gets in sync eventually
      for (let count = 0; count < 300; count++) {
        httpd.ask()
        httpd.report()
      }
      return httpd.pipe.length === 0 && httpd.reports.length === 0
    }),
    { numRuns: 1_000 },
  )
  t.end()
})
