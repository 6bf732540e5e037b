// A separate process, started by page.ts: who looks at the status page, and
// who attacks it. `visitors.js PORT`; the rest comes as messages.
import { get } from 'node:http'
import { connect, type Socket } from 'node:net'

export type Visit =
  /** that many browsers: the page, and then what keeps it up to date */
  | { readonly kind: 'pages'; readonly count: number }
  /** that many connections at once, each with half a request */
  | { readonly kind: 'flood'; readonly count: number }
  | { readonly kind: 'count' }

export type VisitResult = {
  /** pages that are open, updates that came to them */
  readonly pages: number
  readonly updates: number
  /** connections that were made, and those of them that still are */
  readonly connected: number
  readonly held: number
}

const [, file = '', portText] = process.argv
if (portText !== undefined && import.meta.filename === file)
  visit(Number(portText))

function visit(port: number): void {
  let [pages, updates, connected] = [0, 0, 0]
  const held = new Set<Socket>()
  const openPage = (): void => {
    get({ port, host: '127.0.0.1', path: '/', agent: false }, page => {
      page.resume().once('end', () => {
        get(
          { port, host: '127.0.0.1', path: '/events', agent: false },
          events => {
            if (events.statusCode !== 200) return
            pages++
            events.on('data', () => updates++)
            events.once('close', () => pages--)
          },
        )
      })
    })
  }
  const flood = (): void => {
    const socket = connect(port, '127.0.0.1', () => connected++)
    held.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => held.delete(socket))
    socket.resume()
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n')
  }
  process.on('message', (order: Visit) => {
    switch (order.kind) {
      case 'pages':
        for (let count = 0; count < order.count; count++) openPage()
        break
      case 'flood':
        for (let count = 0; count < order.count; count++) flood()
        break
      case 'count': {
        const visited: VisitResult = {
          pages,
          updates,
          connected,
          held: held.size,
        }
        process.send?.(visited)
        break
      }
    }
  })
  process.send?.('ready')
}
