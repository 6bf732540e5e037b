// The look of the status page in a real browser, with made-up sites: large ones,
// dead ones, ones with long texts.
import type { BrowserContextOptions, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import {
  deadSite,
  exampleSite,
  largeSite,
  wordySite,
  type SampleSite,
} from '../../../demo/pictures/sample-site.ts'
import { serveSample } from '../../../demo/pictures/sample-server.ts'
import { startBrowser } from '../../fixtures/browser.ts'
import { hangMs } from '../../../lab/processes.ts'

const browser = await startBrowser(t)
const now = Date.parse('2026-11-24T14:32:07Z')
const sites = { deadSite, exampleSite, largeSite, wordySite }

async function open(
  t: Test,
  makeSite: (now: number) => SampleSite,
  options: BrowserContextOptions,
): Promise<Page> {
  const site = await serveSample(makeSite, now)
  t.teardown(() => site.close())
  const page = await browser.newPage({ reducedMotion: 'reduce', ...options })
  t.teardown(() => page.close())
  page.setDefaultTimeout(hangMs)
  await page.goto(site.url)
  if (options.javaScriptEnabled !== false)
    await page.waitForSelector('#live.live')
  return page
}

/**
 * The contrast of every visible text to what is behind it (WCAG 2.2, 1.4.3). The
 * worst ones below 4.5, as texts.
 */
const faintTexts = `(() => {
  const parse = color => color.match(/[\\d.]+/g).map(Number)
  const luminance = rgb => {
    const [r, g, b] = rgb.map(value => {
      const part = value / 255
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const behind = element => {
    for (let one = element; one !== null; one = one.parentElement) {
      const [r, g, b, alpha = 1] = parse(getComputedStyle(one).backgroundColor)
      if (alpha === 1) return [r, g, b]
      if (alpha !== 0) throw new Error('half transparent: ' + one.className)
    }
    throw new Error('no background')
  }
  const found = []
  let checked = 0
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const { textContent: text, parentElement: element } = walker.currentNode
    if (text.trim() === '' || !element.checkVisibility()) continue
    if (element.matches('script, style')) continue
    checked++
    const [one, other] = [
      luminance(parse(getComputedStyle(element).color).slice(0, 3)),
      luminance(behind(element)),
    ].sort((a, b) => b - a)
    const ratio = (one + 0.05) / (other + 0.05)
    if (ratio < 4.5) found.push(ratio.toFixed(2) + ' ' + text.trim())
  }
  if (checked < 30) throw new Error('only ' + checked + ' texts')
  return found
})()`

for (const [name, makeSite] of Object.entries(sites))
  await t.test(`${name}: every text can be read, at any width`, async t => {
    const page = await open(t, makeSite, {})
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme })
      t.strictSame(await page.evaluate(faintTexts), [], colorScheme)
    }
    for (const width of [320, 360, 768, 1024, 1280, 1920, 2560]) {
      await page.setViewportSize({ width, height: 900 })
      t.equal(
        await page.evaluate('document.documentElement.scrollWidth'),
        width,
        'nothing is wider than the window',
      )
    }
  })

await t.test('a wide window shows the events next to the pools', async t => {
  const page = await open(t, largeSite, {})
  const boxes = async (width: number) => {
    await page.setViewportSize({ width, height: 1200 })
    const [pools, events] = await Promise.all(
      ['#pools', '#events'].map(id => page.locator(id).boundingBox()),
    )
    return {
      isBeside: Number(events?.x) > Number(pools?.x) + Number(pools?.width),
      top: Number(events?.y),
      right: Number(events?.x) + Number(events?.width),
    }
  }
  for (const width of [1600, 1920, 2560]) {
    const { isBeside, top, right } = await boxes(width)
    t.ok(isBeside, `${width}`)
    t.ok(top < 200, 'at the top')
    t.ok(width - right < 40, 'the window is used')
  }
  t.notOk((await boxes(1280)).isBeside)
})

await t.test('what an operator asks first is in the first screen', async t => {
  const page = await open(t, largeSite, {
    viewport: { width: 1280, height: 800 },
  })
  const text = async (id: string) =>
    String(await page.locator(id).textContent())
  t.match(await text('#verdict'), /All 3 pools are served; 5 of 30 backends/)
  t.match(
    await text('#problems'),
    /editors4 .*down.*for 6 min.*connection was refused.*zope-failover probe editors4/s,
  )
  for (const id of ['#verdict', '#problems', '#programs'])
    t.ok(Number((await page.locator(id).boundingBox())?.y) < 700, id)
  const dead = await open(t, deadSite, {})
  t.match(await dead.locator('#verdict').textContent(), /No pool is served/)
  t.equal(
    await dead.locator('#problems li').count(),
    2,
    'one cause is one line: the pools, the backends',
  )
})

await t.test('by keyboard and for a screen reader', async t => {
  const page = await open(t, largeSite, {
    viewport: { width: 1920, height: 400 },
  })
  await page.getByRole('region', { name: 'Events' }).focus()
  t.equal(await page.evaluate('document.activeElement.id'), 'events')
  await page.getByRole('checkbox', { name: 'only unhealthy' }).press('Space')
  t.equal(await page.locator('.backends tbody tr:visible').count(), 6)
  for (const name of [/^last hour: up/, /^response times, slowest/, /^\d+ of/])
    t.equal(
      await page
        .getByRole('row', { name: /^editors7 / })
        .getByRole('img', { name })
        .count(),
      1,
    )
  t.equal(await page.getByRole('row', { name: /^readers 10/ }).count(), 0)
})

await t.test('motion only for those who want it', async t => {
  const animation = async (reducedMotion: 'reduce' | 'no-preference') => {
    const page = await open(t, exampleSite, { reducedMotion })
    return page.evaluate(
      'getComputedStyle(document.getElementById("live")).animationName',
    )
  }
  t.equal(await animation('reduce'), 'none')
  t.equal(await animation('no-preference'), 'arrive')
})

await t.test('without a script the times are complete', async t => {
  const page = await open(t, exampleSite, { javaScriptEnabled: false })
  t.match(
    await page.locator('[id="zope1.c-state"]').textContent(),
    /up.*since 2026-11-12 10:52:07 UTC/s,
  )
  t.match(
    await page.locator('[id="zope2.c-why"]').textContent(),
    /drain by anna until 2026-11-24 15:00:31 UTC: upgrade/,
  )
})
