#!/usr/bin/env node
// The page for visitors while no Zope is usable: 503 with Retry-After on port 8099,
// where base.nft sends them. `maintenance-page.mjs [PORT [FILE]]`; FILE is an HTML page.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const [port = '8099', file] = process.argv.slice(2)
const page =
  file === undefined
    ? '<!doctype html><title>Maintenance</title><p>We are back in a few minutes.\n'
    : readFileSync(file)

const server = createServer(
  { headersTimeout: 5_000, requestTimeout: 5_000 },
  (_request, response) => {
    response.writeHead(503, {
      'content-type': 'text/html; charset=utf-8',
      'content-length': Buffer.byteLength(page),
      'cache-control': 'no-store',
      'retry-after': '10',
      // the next request is its own connection, and may find a Zope
      connection: 'close',
    })
    response.end(page)
  },
)
server.maxConnections = 512
server.setTimeout(10_000, socket => socket.destroy())
server.listen(Number(port))
process.on('SIGTERM', () => process.exit(0))
