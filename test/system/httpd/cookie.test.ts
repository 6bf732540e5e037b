// The route cookie: set once, by who really served, and only names count.
import { get } from 'node:http'
import t from 'tap'
import { startSite, type Site } from '../../../lab/site.ts'

async function ask(
  site: Site,
  cookie: string | undefined,
): Promise<{
  backend: string
  cookies: string[] | undefined
  vary: string | undefined
}> {
  return new Promise((done, fail) => {
    get(
      {
        host: '127.0.0.1',
        port: site.httpd.port,
        path: '/',
        headers: cookie === undefined ? {} : { Cookie: cookie },
      },
      response => {
        response.resume()
        done({
          backend: String(response.headers['x-backend']),
          cookies: response.headers['set-cookie'],
          vary: response.headers.vary,
        })
      },
    ).on('error', fail)
  })
}

void t.test(
  'set once, not repeated, and replaced when another backend serves',
  async t => {
    const site = await startSite(t)
    t.strictSame(await ask(site, undefined), {
      backend: 'zope1',
      cookies: ['zope_route=zope1; Path=/; HttpOnly; SameSite=Lax'],
      vary: undefined,
    })
    for (const cookie of [
      'zope_route=zope2',
      'a=b; zope_route=zope2',
      'a=b;zope_route=zope2 ; c=d',
      'xzope_route=zope1; zope_route=zope2',
    ])
      t.strictSame(
        await ask(site, cookie),
        { backend: 'zope2', cookies: undefined, vary: undefined },
        cookie,
      )
    // the bound backend refuses: httpd itself turns to the other, who is named
    await site.backend('zope2').kill('SIGKILL')
    t.strictSame(await ask(site, 'zope_route=zope2'), {
      backend: 'zope1',
      cookies: ['zope_route=zope1; Path=/; HttpOnly; SameSite=Lax'],
      vary: undefined,
    })
  },
)

void t.test('a forged value has no effect', async t => {
  const site = await startSite(t)
  const forged = [
    'zope_route=zope9',
    'zope_route=zope2.evil',
    'zope_route=ZOPE2',
    'zope_route=zope2%0A',
    'zope_route="zope2"',
    'zope_route=zope2 zope2',
    'zope_route=../../etc/passwd',
    'xzope_route=zope2',
    'zope_route=',
    `zope_route=${'z'.repeat(4_000)}`,
    'zope_route=-',
    'zope_route=NULL',
    'zope_route=${esc:zope2}',
    'zope_route=%{ENV:PATH}',
  ]
  for (const cookie of forged)
    t.strictSame(
      await ask(site, cookie),
      {
        backend: 'zope1',
        cookies: ['zope_route=zope1; Path=/; HttpOnly; SameSite=Lax'],
        vary: undefined,
      },
      cookie.slice(0, 40),
    )
  t.comment(`${forged.length} forged values`)
})

void t.test('another name, https, none at all', async t => {
  const named = await startSite(t, {
    conf: ['--cookie=ROUTE', '--url=https://www.example.org'],
  })
  t.strictSame((await ask(named, 'zope_route=zope2')).cookies, [
    'ROUTE=zope1; Path=/; HttpOnly; SameSite=Lax; Secure',
  ])
  t.equal((await ask(named, 'ROUTE=zope2')).backend, 'zope2')
  const none = await startSite(t, { conf: ['--no-cookie'] })
  t.strictSame(await ask(none, 'zope_route=zope2'), {
    backend: 'zope1',
    cookies: undefined,
    vary: undefined,
  })
})

void t.test('Secure whenever visitors come by https, and SameSite', async t => {
  for (const [serverName, conf, attributes] of [
    ['https://www.example.org', [], 'SameSite=Lax; Secure'],
    [
      'https://www.example.org',
      ['--cookie-samesite=none'],
      'SameSite=None; Secure',
    ],
    ['www.example.org', ['--cookie-samesite=none'], 'SameSite=Lax'],
    // TLS ends at a proxy in front
    [
      'www.example.org',
      ['--url=https://bücher.example', '--cookie-samesite=strict'],
      'SameSite=Strict; Secure',
    ],
  ] as const) {
    const site = await startSite(t, { conf, httpd: { serverName } })
    t.strictSame(
      (await ask(site, undefined)).cookies,
      [`zope_route=zope1; Path=/; HttpOnly; ${attributes}`],
      `${serverName} ${conf.join(' ')}`,
    )
  }
})
