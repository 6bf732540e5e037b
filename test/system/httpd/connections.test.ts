// Connections between httpd and a backend: how many, and those that become a
// WebSocket.
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { Duplex } from 'node:stream'
import t from 'tap'
import { more, startLoad } from '../../../lab/load.ts'
import { httpdBefore } from '../../../lab/own-backend.ts'

void t.test(
  '--max-connections limits the connections of each child',
  async t => {
    let most = 0
    let busy = 0
    // what is inside, not what is open: a connection's end is seen when httpd may
    // long have begun the next one
    const server = createServer((_request, response) => {
      most = Math.max(most, ++busy)
      setTimeout(() => {
        busy--
        response.end('here\n')
      }, 5)
    })
    server.keepAliveTimeout = 120_000
    const httpd = await httpdBefore(
      t,
      server,
      ['--max-connections=2'],
      'ServerLimit 2\nMaxRequestWorkers 50',
    )
    const load = startLoad(t, { port: httpd.port, clients: 20 })
    await more(load, 300)
    const samples = await load.stop()
    t.comment(`${samples.length} requests, ${most} at a time at most`)
    t.strictSame(
      samples.filter(({ status }) => status !== 200),
      [],
      'the others wait for one',
    )
    t.ok(most <= 4, 'two children, two connections each')
  },
)

for (const isAsked of [true, false])
  void t.test(
    `a WebSocket ${isAsked ? 'with' : 'without'} --websocket`,
    async t => {
      const server = createServer((_request, response) => {
        response.end('no WebSocket\n')
      })
      server.on('upgrade', (incoming, socket: Duplex) => {
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Path: ${incoming.url ?? ''}\r\n\r\n`,
        )
        socket.pipe(socket)
        socket.on('error', () => socket.destroy())
      })
      const httpd = await httpdBefore(t, server, [
        '--site=/Plone',
        '--url=http://www.example.org',
        ...(isAsked ? ['--websocket'] : []),
      ])
      const outgoing = request({
        host: '127.0.0.1',
        port: httpd.port,
        path: '/socket?a=b',
        headers: {
          Connection: 'Upgrade',
          Upgrade: 'websocket',
          'Sec-WebSocket-Version': '13',
          'Sec-WebSocket-Key': Buffer.alloc(16).toString('base64'),
        },
      })
      outgoing.end()
      if (!isAsked) {
        const [response] = await once(outgoing, 'response')
        t.equal(response.statusCode, 200, 'an ordinary request')
        response.resume()
        await once(response, 'end')
        return
      }
      const [response, socket] = await once(outgoing, 'upgrade')
      t.equal(
        response.headers['x-path'],
        '/VirtualHostBase/http/www.example.org:80/Plone/VirtualHostRoot/socket?a=b',
      )
      for (const text of ['hello', 'again'.repeat(10_000)]) {
        socket.write(text)
        let back = ''
        while (back.length < text.length)
          back += String((await once(socket, 'data'))[0])
        t.equal(back, text)
      }
      socket.destroy()
    },
  )
