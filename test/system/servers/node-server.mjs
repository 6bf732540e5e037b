// What app.py is, for Node: its only thread makes the pages.
import { createServer } from 'node:http'

const [port] = process.argv.slice(2)
const server = createServer((request, response) => {
  const { method, url, headers } = request
  process.stderr.write(
    `lab: ${method} ${url} expect=${headers.expect ?? '-'}\n`,
  )
  const seconds = Number(new URL(url, 'http://a').searchParams.get('seconds'))
  const end = performance.now() + seconds * 1_000
  while (performance.now() < end);
  const answer = () => {
    response.setHeader('content-length', 4)
    response.end(method === 'HEAD' ? '' : 'well')
  }
  // as one that asks a database first
  if (url === '/later') setTimeout(answer, 200)
  else answer()
})
server.listen(Number(port), '127.0.0.1')
