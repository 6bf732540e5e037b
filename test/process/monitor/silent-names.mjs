// What is on the machine of silent-names.sh. `names`: a name server on port 53 that
// knows every name as 127.0.0.1. `pages PORT…`: a web server on each of these ports.
import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'

const [role, ...ports] = process.argv.slice(2)
const typeA = 1

/** The answer to one question (RFC 1035 4): an address, or that there is none. */
function answerTo(query) {
  let end = 12
  while (query[end] !== 0) end += 1 + query[end]
  const type = query.readUInt16BE(end + 1)
  const question = query.subarray(12, end + 5)
  const count = type === typeA ? 1 : 0
  // a response, recursion desired and available; one question
  const head = Buffer.from([0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0])
  // the name of the question, class IN, one second, four bytes
  const address = [0xc0, 12, 0, typeA, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1]
  return Buffer.concat([
    query.subarray(0, 2),
    head,
    question,
    Buffer.from(count === 1 ? address : []),
  ])
}

if (role === 'names') {
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    socket.send(answerTo(query), port, address)
  })
  socket.bind(53, '127.0.0.1')
} else {
  for (const port of ports)
    createServer((_request, response) => response.end('OK')).listen(
      Number(port),
      '127.0.0.1',
    )
}
