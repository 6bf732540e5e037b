// The status page of a running monitor in a real browser.
import { once } from 'node:events'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { resolve } from 'node:path'
import type { BrowserContextOptions, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { startBrowser } from '../../fixtures/browser.ts'
import {
  dist,
  freePort,
  hangMs,
  publicDirectory,
  startProgram,
  until,
  type Program,
} from '../../../lab/processes.ts'

const browser = await startBrowser(t)

type Site = {
  readonly directory: string
  readonly url: string
  /** what zope3 answers */
  status: number
  readonly monitor: () => Program
}

/**
 * Three stand-ins and an address without a server.
 *
 * @param more keys of `status`
 */
async function startSite(t: Test, more: object = {}): Promise<Site> {
  const root = publicDirectory(t)
  const directory = `${root}/sentinels`
  const configFile = `${root}/zope-failover.yaml`
  const [port, closedPort] = [await freePort(), await freePort()]
  const backends: Record<string, string> = {}
  const standIn = async (name: string, status: () => number): Promise<void> => {
    const server = createServer((_request, response) => {
      response.writeHead(status())
      response.end('OK')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => {
      server.close()
      server.closeAllConnections()
    })
    const address = server.address()
    const at = typeof address === 'object' ? Number(address?.port) : 0
    backends[name] = `http://127.0.0.1:${at}`
  }
  const site: Site = {
    directory,
    url: `http://127.0.0.1:${port}/`,
    status: 200,
    monitor: () =>
      startProgram(t, process.execPath, [
        resolve(dist, 'cli/main.js'),
        'monitor',
        `--config=${configFile}`,
      ]),
  }
  await standIn('zope1', () => 200)
  await standIn('zope2', () => 200)
  await standIn('zope3', () => site.status)
  backends['spare'] = `http://127.0.0.1:${closedPort}`
  mkdirSync(directory)
  writeFileSync(
    configFile,
    JSON.stringify({
      directory,
      backends,
      pools: {
        default: { policy: 'balance', members: ['zope1', 'zope2', 'zope3'] },
        intranet: { members: ['zope1', 'spare'] },
      },
      probe: { interval: '100ms' },
      status: { listen: `127.0.0.1:${port}`, ...more },
    }),
  )
  return site
}

/** A page, with whatever the browser complains of. */
async function open(
  t: Test,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext(options)
  t.teardown(() => context.close())
  const page = await context.newPage()
  page.setDefaultTimeout(hangMs)
  const complaints: string[] = []
  page.on('console', message => complaints.push(message.text()))
  page.on('pageerror', error => complaints.push(error.message))
  return { page, complaints }
}

/** The server is there a moment after the monitor. */
async function visit(page: Page, { url }: Site): Promise<void> {
  await until('the server', async () => {
    try {
      return (await fetch(url)).ok
    } catch {
      // it does not listen yet
      return false
    }
  })
  await page.goto(url)
}

void t.test('one day at the page', async t => {
  const site = await startSite(t)
  const monitor = site.monitor()

  // without a script it is a whole table
  const plain = await open(t, { javaScriptEnabled: false })
  await visit(plain.page, site)
  const rows = plain.page.getByRole('row', { name: /^(zope\d|spare) / })
  t.equal(await rows.count(), 4)
  t.equal(await plain.page.locator('dialog').count(), 0, 'actions are disabled')
  t.match(await plain.page.locator('#live').textContent(), /as of .* UTC/)
  t.strictSame(plain.complaints, [])

  const { page, complaints } = await open(t, {
    viewport: { width: 1280, height: 800 },
    colorScheme: 'light',
  })
  await visit(page, site)
  await page.waitForSelector('#live.live')
  await page.waitForSelector('[id="zope3.c-state"] .good')
  t.match(await page.title(), /^(\d+ down - )?zope-failover$/)

  const end = new Date(Date.now() + 1_700_000).toISOString()
  const beganMs = performance.now()
  writeFileSync(
    `${site.directory}/zope2.drain`,
    `reason: upgrade to Plone 6.1\nby: anna\nuntil: ${end}\n`,
  )
  await page.waitForSelector('[id="zope2.c-state"] .admin')
  const tookMs = Math.round(performance.now() - beganMs)
  t.comment(`a drain is on the open page after ${tookMs} ms`)

  site.status = 500
  await page.waitForSelector('[id="zope3.c-state"] .bad')
  await page.waitForSelector('#events >> text=/→ down: .*status 500/')
  const concern = page.locator('#problems li', { hasText: 'status 500' })
  await concern.getByText('zope-failover probe zope3').waitFor()
  await page.locator('[id="zope3.c-hour"] [aria-label*="down 1 min"]').waitFor()
  // on a busy machine others may be called frozen for a while
  await page.waitForFunction('/^[2-9] down/.test(document.title)')

  await page.check('#only')
  const well = 'tbody tr:not(:has(.bad, .warn, .admin)):visible'
  t.equal(await page.locator(`#backends ${well}`).count(), 0)
  t.ok(await page.isVisible('[id="zope2.c-state"]'), 'that one is drained')
  await page.uncheck('#only')

  const phone = await open(t, {
    viewport: { width: 390, height: 844 },
    colorScheme: 'dark',
  })
  await visit(phone.page, site)
  await phone.page.waitForSelector('#live.live')

  // text that any user could write into a file
  const evil = `<img src=x onerror="document.title='evil'"><script>1</script>`
  writeFileSync(
    `${site.directory}/zope2.drain`,
    `reason: ${evil}${'x'.repeat(300)}\n`,
  )
  for (const one of [page, phone.page])
    await one.waitForSelector('[id="zope2.c-why"] >> text=<script>')
  t.match(await page.locator('[id="zope2.c-why"]').textContent(), evil)
  t.equal(await page.locator('img').count(), 0)
  t.equal(
    await phone.page.evaluate('document.documentElement.scrollWidth'),
    390,
    'nothing is wider than a phone',
  )
  t.strictSame(phone.complaints, [])
  t.strictSame(complaints, [], 'the browser has nothing to complain of')

  // stopped: the line is there, but nothing comes
  monitor.child.kill('SIGSTOP')
  await page.waitForSelector('#live.lost')
  t.match(await page.locator('#live').textContent(), /disconnected.* old/)
  monitor.child.kill('SIGCONT')
  await page.waitForSelector('#live.live')

  await monitor.kill('SIGKILL')
  await page.waitForSelector('#live.lost')
  rmSync(`${site.directory}/zope2.drain`)
  site.status = 200
  site.monitor()
  await page.waitForSelector('#live.live')
  t.equal(await page.locator('[id="zope2.c-state"] .admin').count(), 0)
  t.not(await page.title(), 'evil')
})

void t.test('actions from the page', async t => {
  const tokenFile = `${publicDirectory(t)}/token`
  const token = 'mT4+'.repeat(10)
  writeFileSync(tokenFile, token, { mode: 0o600 })
  const site = await startSite(t, { tokenFile })
  site.monitor()
  const { page, complaints } = await open(t, { colorScheme: 'dark' })
  await visit(page, site)
  await page.waitForSelector('#live.live')
  const dialog = page.getByRole('dialog', { name: 'Change zope2' })
  const button = page.getByRole('button', { name: 'change zope2' })
  const secret = dialog.getByLabel('Token')

  // by keyboard alone
  await button.press('Enter')
  await dialog.getByRole('radio', { name: /^drain / }).press('Space')
  await dialog.getByLabel('For how long').fill('30m')
  await dialog.getByLabel('Reason').fill('<new disk>')
  await secret.fill('a wrong one')
  await secret.press('Enter')
  const row = page.getByRole('row', { name: /^zope2 / })
  await row.locator('output.bad >> text=missing or wrong').waitFor()
  t.notOk(existsSync(`${site.directory}/zope2.drain`))

  // what was typed is still there, but for the token
  await button.press('Enter')
  t.equal(await dialog.getByLabel('Reason').inputValue(), '<new disk>')
  t.equal(await secret.inputValue(), '')
  await secret.fill(token)
  await secret.press('Enter')
  await page.waitForSelector('[id="zope2.c-state"] .admin')
  t.match(
    await page.locator('[id="zope2.c-why"]').textContent(),
    /drain by status page until .*: <new disk>/,
  )
  await row.locator('output >> text=drain until').waitFor()
  await page.waitForSelector('#events >> text=drain by status page')
  await page.waitForFunction(
    'document.activeElement.getAttribute("aria-label") === "change zope2"',
  )

  // also when the table is replaced under it
  await page.evaluate('document.getElementById("page").innerHTML += ""')
  await page.waitForFunction(
    'document.activeElement.getAttribute("aria-label") === "change zope2"',
  )

  // the token is not asked for again, nor kept anywhere but there
  await button.click()
  t.notOk(await secret.isVisible())
  await dialog.getByRole('radio', { name: /^maint / }).check()
  await dialog.getByLabel('For how long').fill('soon')
  await dialog.getByRole('button', { name: 'Apply' }).click()
  await row.locator('output.bad >> text=for must look like 30s').waitFor()
  await button.click()
  await dialog.getByRole('radio', { name: /^ready / }).check()
  t.notOk(await dialog.getByLabel('Reason').isVisible())
  await dialog.getByRole('button', { name: 'Apply' }).click()
  await row.locator('output >> text=no longer drain').waitFor()
  await page.waitForSelector('[id="zope2.c-state"]:not(:has(.admin))')
  t.same(
    await page.evaluate('[localStorage.length, sessionStorage.length]'),
    [0, 0],
  )
  t.strictSame(await page.context().cookies(), [])
  t.notMatch(await page.content(), token)
  t.strictSame(
    complaints.filter(text => !text.startsWith('Failed to load resource')),
    [],
  )

  const phone = await open(t, { viewport: { width: 390, height: 844 } })
  await visit(phone.page, site)
  await phone.page.waitForSelector('#live.live')
  await phone.page.getByRole('button', { name: 'change zope1' }).click()
  const box = await phone.page.getByRole('dialog').boundingBox()
  t.ok(box !== null && box.x >= 0 && box.x + box.width <= 390)
  t.ok(box !== null && box.y >= 0 && box.y + box.height <= 844)
  t.equal(
    await phone.page.evaluate('document.documentElement.scrollWidth'),
    390,
  )
  await phone.page.keyboard.press('Escape')
  await phone.page.getByRole('dialog').waitFor({ state: 'hidden' })
  t.strictSame(phone.complaints, [])

  const plain = await open(t, { javaScriptEnabled: false })
  await visit(plain.page, site)
  t.notOk(await plain.page.locator('dialog').isVisible())
  t.equal(await plain.page.getByRole('button').count(), 0)
})
