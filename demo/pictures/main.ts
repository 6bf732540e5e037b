// `npm run pictures`: makes the pictures in docs/ again. Those of the status page
// show a made-up site, the recording a real run of `npm start`.
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { chromium } from 'playwright-core'
import { record } from './recording.ts'
import { serveSample } from './sample-server.ts'
import { exampleSite } from './sample-site.ts'

const docs = resolve(import.meta.dirname, '../../../docs')
const now = Date.parse('2026-11-24T14:32:07Z')

const shots = [
  { name: 'status-page-light', scheme: 'light', width: 1280, height: 810 },
  { name: 'status-page-dark', scheme: 'dark', width: 1280, height: 810 },
  { name: 'status-page-wide', scheme: 'dark', width: 1600, height: 600 },
  { name: 'status-page-phone', scheme: 'light', width: 390, height: 844 },
] as const

async function photograph(): Promise<void> {
  const home = mkdtempSync(resolve(tmpdir(), 'zope-failover-pictures-'))
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    env: { PATH: process.env['PATH'] ?? '', HOME: home, TMPDIR: home },
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  })
  const site = await serveSample(exampleSite, now)
  try {
    for (const { name, scheme, width, height } of shots) {
      const page = await browser.newPage({
        viewport: { width, height },
        colorScheme: scheme,
        reducedMotion: 'reduce',
        locale: 'en-US',
        timezoneId: 'UTC',
      })
      await page.goto(site.url)
      await page.waitForSelector('#live.live')
      say(name, await page.screenshot({ path: `${docs}/${name}.png` }))
      await page.close()
    }
  } finally {
    site.close()
    await browser.close()
    rmSync(home, { recursive: true, force: true })
  }
}

function say(name: string, { length }: { readonly length: number }): void {
  process.stdout.write(`${name}: ${Math.round(length / 1024)} KB\n`)
}

await photograph()
const file = `${docs}/npm-start.svg`
writeFileSync(file, await record())
say('npm-start', { length: statSync(file).size })
