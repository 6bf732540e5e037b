// Actions on the status port over real sockets: with the token, and from all
// other clients.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { blocksOf } from '../../fixtures/markdown.ts'
import { checkout, publicDirectory, until } from '../../../lab/processes.ts'
import {
  ask,
  say,
  serve,
  type Answer,
  type Site,
} from '../../fixtures/status-port.ts'

const token = 'mT4+'.repeat(10)

function tokenFileOf(t: Test, text = `${token}\n`): string {
  const file = `${publicDirectory(t)}/token`
  writeFileSync(file, text)
  chmodSync(file, 0o640)
  return file
}

type Changes = {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

function order(
  site: Site,
  path = '/backends/zope1/drain',
  { method = 'POST', headers = {}, body = '' }: Changes = {},
): Promise<Answer> {
  const authorization = `Bearer ${token}`
  const type = { 'content-type': 'application/json' }
  return ask(site, path, {
    method,
    headers: { authorization, ...type, ...headers },
    body,
  })
}

function adminFiles({ directory }: Site): string[] {
  return readdirSync(directory).filter(name => /drain|maint|force/.test(name))
}

const messages = ({ news }: Site): string[] =>
  news.map(({ message }) => message)

void t.test('with the token, actions are accepted', async t => {
  const site = await serve(t, tokenFileOf(t))
  const before = Date.now()
  const drained = await order(site, undefined, {
    body: '{"reason":"new\\ndisk","for":"30m"}',
    headers: { origin: `http://127.0.0.1:${site.port}` },
  })
  t.match(drained, {
    status: 200,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: /^zope1: drain until \S+\npool default: new visitors go to zope1\n$/,
  })
  t.equal(drained.headers['set-cookie'], undefined)
  t.equal(drained.headers['access-control-allow-origin'], undefined)
  const file = readFileSync(`${site.directory}/zope1.drain`, 'utf8')
  t.match(file, /\nby: status page\nreason: new disk\n$/)
  const end = Date.parse(/^until: (\S+)$/m.exec(file)?.[1] ?? '')
  t.ok(end >= before + 1_800_000)
  t.match(await order(site, '/backends/zope1/maint'), { status: 200 })
  t.match(await order(site, '/backends/zope1/force'), {
    body: 'zope1: maint is set as well and takes precedence\n',
  })
  t.match(await order(site, '/backends/zope1/ready'), {
    status: 200,
    body: /^zope1: no longer maint, drain, force\n/,
  })
  t.strictSame(adminFiles(site), [])
  t.strictSame(messages(site), [
    'the status page accepts actions',
    ...Array.from({ length: 4 }, () => 'action on the status page applied'),
  ])
  t.match(site.news[1], {
    level: 'info',
    fields: {
      address: '127.0.0.1',
      order: 'POST /backends/zope1/drain',
      done: /^drain until /,
      reason: 'new\\u000adisk',
    },
  })
  t.notMatch(JSON.stringify(site.news), token)
})

void t.test('all other requests are rejected', async t => {
  const site = await serve(t, tokenFileOf(t))
  for (const [path, changes, status, more] of [
    [undefined, { headers: { authorization: '' } }, 401, {}],
    [undefined, { headers: { authorization: `Bearer ${token}x` } }, 401, {}],
    [undefined, { headers: { authorization: `Basic ${token}` } }, 401, {}],
    ['/backends/unknown/none', { headers: { authorization: 'Bearer x' } }, 401],
    [undefined, { headers: { origin: 'http://evil.example.org' } }, 403],
    [undefined, { headers: { origin: 'null' } }, 403],
    [undefined, { headers: { 'sec-fetch-site': 'cross-site' } }, 403],
    [undefined, { headers: { host: 'evil.example.org' } }, 421],
    [undefined, { method: 'GET' }, 405, { headers: { allow: 'POST' } }],
    [undefined, { method: 'OPTIONS' }, 405, { headers: { allow: 'POST' } }],
    [`/?token=${token}`, {}, 405, { headers: { allow: 'GET, HEAD' } }],
    ['/backends/zope1/../zope1/drain', {}, 405],
    ['/backends/%7aope1/drain', {}, 404, { body: /got "%7aope1"/ }],
    ['/backends/../drain', {}, 404, { body: /must be one of the config/ }],
    ['/backends/zope1/restart', {}, 404, { body: /the action must be one of/ }],
    [undefined, { body: 'x'.repeat(1_024) }, 400],
    [undefined, { body: 'x'.repeat(1_025) }, 413, { body: /1024 bytes/ }],
    [undefined, { body: '{}', headers: { 'content-type': 'a/b' } }, 415],
  ] as const) {
    const answer = await order(site, path, changes)
    t.match(answer, { status, ...more }, JSON.stringify([path, changes]))
    if (status === 401)
      t.match(answer, {
        headers: { 'www-authenticate': 'Bearer' },
        body: /^The token is missing or wrong\.\n$/,
      })
  }
  t.strictSame(adminFiles(site), [])
  const refusals = site.news.filter(({ message }) =>
    message.endsWith('rejected'),
  )
  t.equal(refusals.length, 16, 'each has its line, but for OPTIONS and GET')
  t.match(refusals[0], {
    level: 'warn',
    fields: { address: '127.0.0.1', status: 401, why: /missing or wrong/ },
  })
  t.notMatch(JSON.stringify(site.news), token)
})

void t.test('off without the key', async t => {
  const site = await serve(t)
  t.match(await order(site), { status: 405, headers: { allow: 'GET, HEAD' } })
  t.notMatch((await ask(site, '/')).body, /<dialog/)
  t.strictSame(site.news, [])
})

void t.test(
  'off while the file is not secret; a new token counts at once',
  async t => {
    const file = tokenFileOf(t, 'short\n')
    const site = await serve(t, file)
    t.match(await order(site), { status: 405 })
    t.match(await ask(site, '/'), { status: 200, body: /zope1/ })
    t.strictSame(messages(site), ['the status page accepts no actions'])
    t.match(site.news[0], {
      level: 'error',
      fields: { why: /32 to 500 ASCII characters/, remedy: /base64/ },
    })
    rmSync(file)
    t.match(await order(site), { status: 405 })
    writeFileSync(file, token)
    chmodSync(file, 0o644)
    t.match(await order(site), { status: 405 })
    t.match(site.news[2], { fields: { why: /got mode 644/ } })
    chmodSync(file, 0o600)
    t.match(await ask(site, '/'), { body: /<dialog/ })
    t.match(await order(site), { status: 200 })
    writeFileSync(file, `${token}2`)
    t.match(await order(site), { status: 401 })
    const headers = { authorization: `Bearer ${token}2` }
    t.match(await order(site, undefined, { headers }), { status: 200 })
  },
)

void t.test('the token made as in docs/status-page.md', async t => {
  const block = blocksOf(`${checkout}/docs/status-page.md`, 'sh').join('')
  t.match(block, /^install .*\nhead .*$/m)
  const file = `${publicDirectory(t)}/token`
  // such a group may not exist here
  const commands = block
    .replace('-g zope-failover', '')
    .replaceAll('/etc/zope-failover.token', file)
  execFileSync('/bin/sh', ['-c', commands])
  const site = await serve(t, file)
  await ask(site, '/')
  t.strictSame(messages(site), ['the status page accepts actions'])
})

void t.test('guesses are limited over all clients', async t => {
  const site = await serve(t, tokenFileOf(t))
  const guess = () =>
    order(site, undefined, { headers: { authorization: 'Bearer guess' } })
  const answers = await Promise.all(Array.from({ length: 30 }, guess))
  const count = (status: number): number =>
    answers.filter(answer => answer.status === status).length
  t.strictSame([count(401), count(429)], [5, 25])
  const right = await order(site)
  t.match(right, { status: 429, body: /^Too many wrong tokens: / })
  const seconds = Number(right.headers['retry-after'])
  t.ok(seconds > 0 && seconds <= 60, String(seconds))
  t.strictSame(adminFiles(site), [])
  t.equal(messages(site).length, 11, 'five of each kind, and that it is on')
  t.match(await ask(site, '/'), { status: 200 })
})

void t.test('of several pipelined actions only the first counts', async t => {
  const site = await serve(t, tokenFileOf(t))
  const orders = ['zope1', 'zope2'].map(
    name =>
      `POST /backends/${name}/drain HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Length: 0\r\n\r\n`,
  )
  t.match(await say(site, orders.join('')), /^HTTP\/1\.1 200 /)
  t.strictSame(adminFiles(site), ['zope1.drain'])
})

void t.test('terminal control characters stay out of log and file', async t => {
  const site = await serve(t, tokenFileOf(t))
  const reason = 'a\u009B31m\u202Eb'
  const body = JSON.stringify({ reason })
  const headers = { 'content-type': 'application/json' }
  t.match(await order(site, undefined, { headers, body }), { status: 200 })
  t.match(site.news.at(-1), { fields: { reason: 'a\\u009b31m\\u202eb' } })
  t.equal(
    readFileSync(`${site.directory}/zope1.drain`, 'utf8'),
    'by: status page\nreason: a 31m b\n',
  )
})

void t.test('a body that does not arrive is not awaited', async t => {
  const site = await serve(t, tokenFileOf(t))
  const head = `POST /backends/zope1/drain HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{`
  const gone = connect(site.port, '127.0.0.1', () => gone.end(head))
  gone.on('error', () => undefined)
  gone.resume()
  t.match(await say(site, head), /^HTTP\/1\.1 408 /)
  await until('both to be logged', () => messages(site).length === 3)
  for (const news of site.news.slice(1))
    t.match(news, {
      fields: {
        status: 408,
        why: /the request body is incomplete/,
        address: '127.0.0.1',
      },
    })
  t.strictSame(adminFiles(site), [])
})

void t.test('a file that cannot be written', async t => {
  const site = await serve(t, tokenFileOf(t))
  mkdirSync(`${site.directory}/zope1.drain`)
  t.match(await order(site), {
    status: 500,
    body: /a directory has this name: remove it/,
  })
  t.match(site.news.at(-1), { fields: { status: 500 } })
})
