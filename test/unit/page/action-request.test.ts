import t from 'tap'
import { parseConfig } from '../../../config/parse.ts'
import {
  parseActionRequest,
  type ActionForm,
} from '../../../page/action-request.ts'

const config = parseConfig(
  'backends: { zope1: http://h:1, zope2: http://h:2 }',
  'f',
)

function ordered(changes: Partial<ActionForm>) {
  return parseActionRequest(config, {
    backend: 'zope1',
    action: 'drain',
    type: 'application/json',
    body: '{}',
    ...changes,
  })
}

void t.test('an action', t => {
  const order = { kind: 'order', backend: 'zope1', action: 'drain' }
  for (const body of ['{}', ' ', '', '{"reason":"","for":""}'])
    t.strictSame(ordered({ body }), { ...order, reason: null, termMs: null })
  t.strictSame(ordered({ body: '', type: undefined }).kind, 'order')
  t.strictSame(
    ordered({
      type: 'application/json; charset=utf-8',
      body: '{"reason":"new disk","for":"30m"}',
    }),
    { ...order, reason: 'new disk', termMs: 1_800_000 },
  )
  for (const action of ['drain', 'maint', 'force', 'ready'])
    t.match(ordered({ action }), { kind: 'order', action })
  t.end()
})

void t.test('the first problem with it', t => {
  for (const [changes, status, text] of [
    [
      { backend: 'zope3' },
      404,
      /^the backend must be one of the configuration, got "zope3"; did you mean "zope\d"/,
    ],
    [{ backend: '..' }, 404, /got "\.\."; known here: zope1, zope2/],
    [{ backend: '__proto__' }, 404, /the backend must be one of/],
    [
      { action: 'drian' },
      404,
      'the action must be one of drain, maint, force, ready, got "drian"; did you mean "drain"?',
    ],
    [{ action: 'constructor' }, 404, /the action must be one of/],
    [
      { type: 'text/plain' },
      415,
      /must be application\/json, got "text\/plain"/,
    ],
    [{ type: undefined }, 415, /got nothing/],
    [{ body: '{' }, 400, /must be empty, or a JSON object/],
    [{ body: '[]' }, 400, /JSON object/],
    [{ body: 'null' }, 400, /JSON object/],
    [{ body: '"x"' }, 400, /JSON object/],
    [{ body: '{"reason":5}' }, 400, /strings "reason" and "for"/],
    [{ body: '{"__proto__":"x"}' }, 400, /strings "reason" and "for"/],
    [
      { body: JSON.stringify({ reason: 'x'.repeat(1_001) }) },
      400,
      'reason must have at most 1000 characters',
    ],
    [
      { body: '{"for":"soon"}' },
      400,
      'for must look like 30s, 5m or 2h, at most 8760h (a year), got "soon"',
    ],
    [
      { action: 'ready', body: '{"for":"30m"}' },
      400,
      'ready takes neither reason nor for',
    ],
  ] as const)
    t.match(
      ordered(changes),
      { kind: 'refused', status, text },
      JSON.stringify(changes),
    )
  t.end()
})
