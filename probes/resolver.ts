// Resolves host names. Invariant: a name server that hangs or fails takes no backend
// out whose address is known, and never delays another one.
import { lookup as systemLookup, type LookupAddress } from 'node:dns'
import { isIP } from 'node:net'
import { errorCode } from '../system/error-code.ts'

type Resolution =
  | { readonly kind: 'found'; readonly addresses: readonly LookupAddress[] }
  /** the lookup failed or hangs, but the address is known from before */
  | {
      readonly kind: 'remembered'
      readonly addresses: readonly LookupAddress[]
      readonly error: string
    }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'hanging' }

type SystemResolver = (
  host: string,
  options: { all: true; verbatim: true },
  callback: (
    error: NodeJS.ErrnoException | null,
    addresses: LookupAddress[],
  ) => void,
) => void

type RememberedHost = {
  readonly addresses: readonly LookupAddress[]
  /** when they were resolved, ms since 1970 */
  readonly atMs: number
}

/** By host name, as in monitor.json. */
type RememberedAddresses = Readonly<
  Record<
    string,
    {
      /** RFC 3339: when they were resolved */
      readonly at: string
      readonly addresses: readonly string[]
    }
  >
>

/**
 * Covers an outage of a name server over a long weekend; later the address may belong
 * to another machine.
 */
const maxAgeMs = 7 * 24 * 3_600_000
/** per host name */
const maxAddresses = 16

/** How long a lookup may take if a remembered address is available. */
const patienceMs = 250

export class Resolver {
  readonly #system: SystemResolver
  readonly #known = new Map<string, RememberedHost>()
  /**
   * At most one lookup in flight per name: getaddrinfo cannot be canceled, and each
   * hanging call blocks one of the few threads that all lookups share.
   */
  readonly #inFlight = new Map<string, Promise<Resolution>>()

  constructor(system: SystemResolver = systemLookup) {
    this.#system = system
  }

  /**
   * @param host a name or a literal address, without brackets
   * @param limitMs how long to wait for a name that was never resolved
   */
  async resolve(host: string, limitMs: number): Promise<Resolution> {
    const family = isIP(host)
    if (family !== 0)
      return { kind: 'found', addresses: [{ address: host, family }] }
    const known = this.#known.get(host)?.addresses
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

  /** The known addresses of these names, for the next monitor. */
  remembered(hosts: Iterable<string>): RememberedAddresses {
    return Object.fromEntries(
      [...new Set(hosts)].flatMap(host => {
        const known = this.#known.get(host)
        return known === undefined
          ? []
          : [
              [
                host,
                {
                  at: new Date(known.atMs).toISOString(),
                  addresses: known.addresses
                    .slice(0, maxAddresses)
                    .map(({ address }) => address),
                },
              ] as const,
            ]
      }),
    )
  }

  /**
   * Takes over what an earlier monitor knew, unless it is too old. The content is not
   * trusted.
   *
   * @param saved as `remembered` returned it
   * @param hosts the names to take over
   * @param nowMs ms since 1970
   */
  remember(saved: unknown, hosts: Iterable<string>, nowMs: number): void {
    for (const host of hosts) {
      if (this.#known.has(host)) continue
      const entry: unknown = ownValue(saved, host)
      const atMs = Date.parse(String(ownValue(entry, 'at')))
      const list: unknown = ownValue(entry, 'addresses')
      const addresses = (Array.isArray(list) ? list : [])
        .slice(0, maxAddresses)
        .map(String)
        .map(address => ({ address, family: isIP(address) }))
        .filter(({ family }) => family !== 0)
      // a time in the future must not extend its validity
      const isFresh = Math.abs(nowMs - atMs) <= maxAgeMs
      if (isFresh && addresses.length > 0)
        this.#known.set(host, { addresses, atMs })
    }
  }

  #ask(host: string): Promise<Resolution> {
    const running = this.#inFlight.get(host)
    if (running !== undefined) return running
    const lookup = new Promise<Resolution>(resolve => {
      this.#system(host, { all: true, verbatim: true }, (error, addresses) => {
        this.#inFlight.delete(host)
        if (error !== null) {
          resolve({ kind: 'failed', error: errorCode(error) })
          return
        }
        this.#known.set(host, { addresses, atMs: Date.now() })
        resolve({ kind: 'found', addresses })
      })
    })
    this.#inFlight.set(host, lookup)
    return lookup
  }
}

/** The answer, or `hanging` once the time is over. */
function within(
  lookup: Promise<Resolution>,
  limitMs: number,
): Promise<Resolution> {
  let timer: NodeJS.Timeout
  const hanging = new Promise<Resolution>(resolve => {
    timer = setTimeout(() => resolve({ kind: 'hanging' }), limitMs)
  })
  return Promise.race([lookup, hanging]).finally(() => clearTimeout(timer))
}

function ownValue(value: unknown, key: string): unknown {
  return typeof value === 'object' &&
    value !== null &&
    Object.hasOwn(value, key)
    ? Reflect.get(value, key)
    : undefined
}
