// Requests per second through real httpd: without a map program, with this one,
// with the C one, in alternating rounds.
import { Socket } from 'node:net'
import { sitePath, startHttpd, type Site } from './httpd.ts'
import { exitOf, type Scratch } from './scratch.ts'

type LoadOptions = {
  readonly rounds: number
  readonly roundMs: number
  readonly connections: number
}

export type RequestRates = {
  readonly site: Site
  /** requests per second, by round */
  readonly perSecond: readonly number[]
  readonly failed: number
}

/**
 * @param load the C load generator; undefined = a slower one in this process
 */
export async function measureRequests(
  scratch: Scratch,
  sites: readonly Site[],
  load: string | undefined,
  { rounds, roundMs, connections }: LoadOptions,
): Promise<RequestRates[]> {
  const httpd = await startHttpd(scratch, sites)
  const measured = sites.map(site => ({
    site,
    perSecond: [] as number[],
    failed: 0,
  }))
  try {
    // the first round warms up
    for (let round = 0; round <= rounds; round++)
      for (const [i, rates] of measured.entries()) {
        const port = httpd.ports[i] ?? 0
        const ms = round === 0 ? roundMs / 4 : roundMs
        const { requests, failed, seconds } =
          load === undefined
            ? await loadFromNode(port, connections, ms, rates.site.cookie)
            : await loadFromC(
                scratch,
                load,
                port,
                connections,
                ms,
                rates.site.cookie,
              )
        rates.failed += failed
        if (round > 0) rates.perSecond.push(requests / seconds)
      }
  } finally {
    await httpd.stop()
  }
  return measured
}

type Load = { requests: number; failed: number; seconds: number }

async function loadFromC(
  scratch: Scratch,
  load: string,
  port: number,
  connections: number,
  ms: number,
  cookie: string | undefined,
): Promise<Load> {
  const child = scratch.spawn(
    [
      load,
      String(port),
      sitePath,
      String(connections),
      String(ms),
      ...(cookie === undefined ? [] : [cookie]),
    ],
    { stdio: ['ignore', 'pipe', scratch.logFd] },
  )
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', chunk => {
    text += String(chunk)
  })
  const code = await exitOf(child)
  const match = /^requests (\d+) failed (\d+) seconds ([\d.]+)$/m.exec(text)
  if (code !== 0 || match === null)
    throw new Error(`the load generator ended with ${code}`)
  return {
    requests: Number(match[1]),
    failed: Number(match[2]),
    seconds: Number(match[3]),
  }
}

async function loadFromNode(
  port: number,
  connections: number,
  ms: number,
  cookie: string | undefined,
): Promise<Load> {
  const begin = performance.now()
  const end = begin + ms
  const request = `GET ${sitePath} HTTP/1.1\r\nHost: localhost\r\n${cookie === undefined ? '' : `Cookie: ${cookie}\r\n`}\r\n`
  const counts = { requests: 0, failed: 0 }
  const connection = (): Promise<void> =>
    new Promise(resolve => {
      const socket = new Socket().setNoDelay().setEncoding('latin1')
      let answer = ''
      const settle = (): void => {
        socket.destroy()
        resolve()
      }
      const lose = (): void => {
        counts.failed++
        settle()
      }
      socket.once('error', lose).once('end', lose)
      socket.on('data', chunk => {
        answer += String(chunk)
        const head = answer.indexOf('\r\n\r\n')
        const length = /\r\ncontent-length: *(\d+)/i.exec(answer)?.[1]
        if (head === -1 || answer.length < head + 4 + Number(length ?? 0))
          return
        if (answer.startsWith('HTTP/1.1 200 ')) counts.requests++
        else counts.failed++
        answer = ''
        if (performance.now() < end) socket.write(request)
        else settle()
      })
      socket.connect(port, '127.0.0.1', () => socket.write(request))
    })
  await Promise.all(Array.from({ length: connections }, connection))
  return { ...counts, seconds: (performance.now() - begin) / 1000 }
}
