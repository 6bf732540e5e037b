// Host names to addresses. What must hold: a name server that hangs or fails
// takes no backend out whose address is known, and never holds up another one.
import { lookup as systemLookup } from 'node:dns'
import type { LookupAddress } from 'node:dns'
import { isIP } from 'node:net'
import { errorCode } from '../../config/error-code.ts'

export type Resolved =
  | { readonly kind: 'found'; readonly addresses: readonly LookupAddress[] }
  /** the look-up failed or hangs, but the name was known before */
  | {
      readonly kind: 'remembered'
      readonly addresses: readonly LookupAddress[]
      readonly error: string
    }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'hanging' }

type SystemLookup = (
  host: string,
  options: { all: true; verbatim: true },
  callback: (
    error: NodeJS.ErrnoException | null,
    addresses: LookupAddress[],
  ) => void,
) => void

/** How long a look-up may take while a remembered address would do. */
const patienceMs = 250

export class Lookup {
  readonly #system: SystemLookup
  readonly #known = new Map<string, readonly LookupAddress[]>()
  /**
   * At most one look-up in flight per name: getaddrinfo cannot be given up, and
   * each that hangs holds one of the few threads all look-ups share.
   */
  readonly #inFlight = new Map<string, Promise<Resolved>>()

  constructor(system: SystemLookup = systemLookup) {
    this.#system = system
  }

  /**
   * @param host a name or a literal address, without brackets
   * @param limitMs how long to wait for a name that was never resolved
   */
  async resolve(host: string, limitMs: number): Promise<Resolved> {
    const family = isIP(host)
    if (family !== 0)
      return { kind: 'found', addresses: [{ address: host, family }] }
    const known = this.#known.get(host)
    const isHanging = known !== undefined && this.#inFlight.has(host)
    const answer = await within(
      this.#ask(host),
      isHanging ? 0 : known === undefined ? limitMs : patienceMs,
    )
    if (known === undefined || answer.kind === 'found') return answer
    return {
      kind: 'remembered',
      addresses: known,
      error: answer.kind === 'failed' ? answer.error : 'no answer yet',
    }
  }

  #ask(host: string): Promise<Resolved> {
    const running = this.#inFlight.get(host)
    if (running !== undefined) return running
    const asked = new Promise<Resolved>(resolve => {
      this.#system(host, { all: true, verbatim: true }, (error, addresses) => {
        this.#inFlight.delete(host)
        if (error !== null) {
          resolve({ kind: 'failed', error: errorCode(error) })
          return
        }
        this.#known.set(host, addresses)
        resolve({ kind: 'found', addresses })
      })
    })
    this.#inFlight.set(host, asked)
    return asked
  }
}

/** The answer, or `hanging` once the time is over. */
function within(asked: Promise<Resolved>, limitMs: number): Promise<Resolved> {
  let timer: NodeJS.Timeout
  const hanging = new Promise<Resolved>(resolve => {
    timer = setTimeout(() => resolve({ kind: 'hanging' }), limitMs)
  })
  return Promise.race([asked, hanging]).finally(() => clearTimeout(timer))
}
