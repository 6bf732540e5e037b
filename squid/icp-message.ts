// ICP version 2 (RFC 2186): a query in bytes -> its parts, an answer -> bytes.
// Pure.

/** Opcodes, RFC 2186 section 3 to 7. */
export const opcode = { query: 1, hit: 2, miss: 3, missNoFetch: 21 } as const

const headerBytes = 20
/** The header of a query is followed by the address of the client of the cache. */
const requesterBytes = 4

export type IcpQuery = {
  readonly requestNumber: number
  /** latin1, without its NUL */
  readonly url: string
}

/**
 * @returns null for anything but a well-formed query of version 2: it gets no
 *   answer, because an error would count against the responder
 */
export function parseQuery(message: Buffer): IcpQuery | null {
  const urlStart = headerBytes + requesterBytes
  if (
    message.length <= urlStart + 1 ||
    message[0] !== opcode.query ||
    message[1] !== 2 ||
    message.readUInt16BE(2) !== message.length ||
    message.indexOf(0, urlStart) !== message.length - 1
  )
    return null
  return {
    requestNumber: message.readUInt32BE(4),
    url: message.toString('latin1', urlStart, message.length - 1),
  }
}

/** The answer repeats number and URL: Squid refuses a bare header. */
export function formatIcpAnswer(code: number, query: IcpQuery): Buffer {
  const answer = Buffer.alloc(headerBytes + query.url.length + 1)
  answer[0] = code
  answer[1] = 2
  answer.writeUInt16BE(answer.length, 2)
  answer.writeUInt32BE(query.requestNumber, 4)
  answer.write(query.url, headerBytes, 'latin1')
  return answer
}
