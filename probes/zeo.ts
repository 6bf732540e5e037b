// Asks a ZEO server directly whether it is well, independent of any Zope.
import { patientTimeout } from '../system/patient-timeout.ts'
import type { LookupAddress } from 'node:dns'
import { connect } from 'node:net'
import { errorCode } from '../system/error-code.ts'
import type { Transaction } from '../health/deep.ts'
import { answerWith } from './probe.ts'
import { parseRuok, ruok } from './zeo-answer.ts'

type ZeoAnswer =
  | { readonly kind: 'well'; readonly last: Transaction | null }
  | { readonly kind: 'gone'; readonly why: string }

/** Its answer arrives in one or two. */
const maxPieces = 256

/**
 * Never rejects, and ends within the limit.
 *
 * @param addresses of the host; if left out, the system resolves it
 */
export function askZeo(
  host: string,
  port: number,
  limitMs: number,
  addresses?: readonly LookupAddress[],
): Promise<ZeoAnswer> {
  return new Promise(resolve => {
    let bytes = Buffer.alloc(0)
    let pieces = 0
    const socket = connect({
      host,
      port,
      ...(addresses !== undefined && { lookup: answerWith(addresses) }),
    })
    const done = (answer: ZeoAnswer): void => {
      cancel()
      socket.destroy()
      resolve(answer)
    }
    const gone = (why: string): void => {
      done({ kind: 'gone', why })
    }
    const cancel = patientTimeout(limitMs, () => {
      gone(`no answer within ${limitMs} ms`)
    })
    socket.on('connect', () => socket.write(ruok))
    socket.on('data', chunk => {
      bytes = Buffer.concat([bytes, chunk])
      const answer = parseRuok(bytes)
      if (answer.kind === 'well') done(answer)
      else if (++pieces > maxPieces) gone('its answer comes in too many pieces')
      else if (answer.kind === 'foreign') gone(answer.why)
    })
    socket.on('error', err => {
      gone(errorCode(err))
    })
    socket.on('end', () => {
      gone('it closed the connection without an answer')
    })
  })
}
