// Serves a sample site as the status page would. On loopback, for one browser.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { fill } from '../../page/page-template.ts'
import { pageDocument, pageTemplate, root, titleOf } from '../../page/page.ts'
import type { SampleSite } from './sample-site.ts'

/**
 * @param now the time of day there, ms since 1970; it does not pass
 * @returns its address, and how to stop it
 */
export async function serveSample(
  makeSite: (now: number) => SampleSite,
  now: number,
): Promise<{ readonly url: string; readonly close: () => void }> {
  const server = createServer((request, response) => {
    const { report, pictures, events } = makeSite(now)
    const template = pageTemplate(report, pictures, events)
    if (request.url === '/events') {
      const title = titleOf(report.backends)
      const patch = { [root]: fill(template) }
      response.setHeader('content-type', 'text/event-stream')
      response.write(`data: ${JSON.stringify({ now, title, patch })}\n\n`)
      return
    }
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.end(
      pageDocument(template, report, asset('browser.css'), asset('browser.js')),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? Number(address?.port) : 0
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

function asset(name: string): string {
  return readFileSync(new URL(`../../page/${name}`, import.meta.url), 'utf8')
}
