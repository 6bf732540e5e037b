import t from 'tap'
import type { BodyRule } from '../../../config/config.ts'
import {
  bodyOutcome,
  commandOutcome,
  linesOutcome,
  statusOutcome,
} from '../../../probes/answer.ts'

void t.test('a status passes if one of the ranges contains it', t => {
  const status = [
    [200, 299],
    [401, 401],
  ] as const
  for (const [code, passes] of [
    [199, false],
    [200, true],
    [299, true],
    [300, false],
    [401, true],
    [500, false],
    [0, false],
  ] as const)
    t.same(
      statusOutcome(code, { status }),
      passes ? undefined : { kind: 'status', status: code, allowed: status },
      `${code}`,
    )
  t.end()
})

void t.test('a body is judged by the configured text or pattern', t => {
  const cases: readonly [BodyRule | null, string, string][] = [
    [null, '', 'pass'],
    [{ kind: 'text', text: 'OK' }, 'all OK here', 'pass'],
    [{ kind: 'text', text: 'OK' }, 'ok', 'content'],
    [{ kind: 'text', text: 'Grüße' }, 'viele Grüße', 'pass'],
    [{ kind: 'pattern', pattern: '^(OK|ready)$' }, 'ready', 'pass'],
    [{ kind: 'pattern', pattern: '^(OK|ready)$' }, 'not ready', 'content'],
    [{ kind: 'pattern', pattern: '(refused' }, '(refused', 'content'],
  ]
  for (const [body, text, kind] of cases)
    t.equal(bodyOutcome(200, Buffer.from(text), { body }).kind, kind, text)
  t.end()
})

const wanted = (body: BodyRule): unknown =>
  bodyOutcome(200, Buffer.from('no'), { body })

void t.test(
  'what was expected is reported as written in the configuration',
  t => {
    t.same(wanted({ kind: 'text', text: 'OK' }), {
      kind: 'content',
      wanted: '"OK"',
      bytes: 2,
    })
    t.same(wanted({ kind: 'pattern', pattern: 'O.' }), {
      kind: 'content',
      wanted: '/O./',
      bytes: 2,
    })
    t.end()
  },
)

const failed = (said: string, bytes: number): unknown => ({
  kind: 'content',
  wanted: '/^OK$/',
  bytes,
  said,
})

void t.test(
  'an answer in lines passes with the first complete line that matches',
  t => {
    const ok = { kind: 'pattern', pattern: '^OK$' } as const
    const passed = { kind: 'pass', by: 'ask', said: 'OK' }
    for (const [answer, isAll, outcome] of [
      ['OK\n', false, passed],
      ['OK\r\n', false, passed],
      ['a greeting\nOK\nmore', false, passed],
      ['OK', false, undefined],
      ['OK', true, passed],
      ['Warmup in progress\n', false, undefined],
      ['Warmup in progress\n', true, failed('Warmup in progress', 19)],
      ['one\ntwo', true, failed('one', 7)],
      ['', true, failed('', 0)],
    ] as const)
      t.same(
        linesOutcome(Buffer.from(answer), isAll, ok),
        outcome,
        JSON.stringify(answer),
      )
    t.end()
  },
)

void t.test('only new lines are checked', t => {
  const ok = { kind: 'pattern', pattern: '^OK$' } as const
  const answer = Buffer.from('OK\nWarmup\nOK\n')
  t.match(linesOutcome(answer, true, ok, 3), { kind: 'pass' })
  t.same(linesOutcome(answer, true, ok, 13), failed('OK', 13), 'all were')
  t.equal(linesOutcome(answer.subarray(0, 10), false, ok, 3), undefined)
  t.end()
})

void t.test('a command passes when it ends with 0', t => {
  const end = { ms: 5, output: 'CRITICAL\nand more' }
  const said = 'CRITICAL'
  for (const [how, code, outcome] of [
    ['exited', 0, { kind: 'pass', by: 'command', said }],
    ['exited', 2, { kind: 'exit', code: 2, said }],
    ['signal', 'SIGSEGV', { kind: 'exit', code: 'SIGSEGV', said }],
    ['limit', 'SIGKILL', { kind: 'command-timeout', limitMs: 100 }],
    [
      'not-begun',
      'ENOENT',
      { kind: 'local', error: 'the command did not begin: ENOENT' },
    ],
  ] as const)
    t.same(commandOutcome({ ...end, how, code }, 100), outcome, how)
  t.end()
})
