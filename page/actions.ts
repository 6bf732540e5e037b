// Orders on the status page: who may give them, and what becomes of them. What
// must hold: without a token file that is kept as a secret there are none, and
// the file is read for each order, so that a changed token counts at once.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { errorCode } from '../system/error-code.ts'
import { printable } from '../text/printable.ts'
import { readRegularFile } from '../system/regular-file.ts'
import { applyAction } from '../operate/apply-action.ts'
import { actionSummary } from '../operate/action-summary.ts'
import type { ReportCache } from './report-cache.ts'
import type { PageNews } from './messages.ts'
import { parseActionRequest, refused } from './action-request.ts'
import type { ActionRequest, Refusal } from './action-request.ts'
import { bearerOf, maxTokenBytes, tokenIn } from './token.ts'
import { ToldRefusals } from './log-limit.ts'
import { WrongTokens } from './token-limit.ts'

/** What is answered, as plain text. */
export type Reply = {
  readonly status: number
  readonly text: string
  readonly headers: Readonly<Record<string, string>>
}

type Done = Omit<Reply, 'headers'> & { readonly kind: 'done' }

/** Bytes of a body; a reason fits in well. */
const maxBody = 1_024

export class ActionHandler {
  readonly #live: ReportCache
  readonly #tell: (news: PageNews) => void
  readonly #wrong = new WrongTokens()
  readonly #told = new ToldRefusals()
  #state = ''

  /** @param tell takes a line for the log */
  constructor(live: ReportCache, tell: (news: PageNews) => void) {
    this.#live = live
    this.#tell = tell
  }

  /** Whether there is a token; tells when that has changed. */
  areTaken(): boolean {
    return this.#token() !== undefined
  }

  /**
   * Reads the rest of the request and does what it says.
   *
   * @param target as it stands in the path
   * @returns undefined when the sender has gone, or was too slow
   */
  async take(
    request: IncomingMessage,
    target: { readonly backend: string; readonly action: string },
  ): Promise<Reply | undefined> {
    // the address is not known any more when the sender has gone
    const from = whoAndWhat(request)
    let body
    try {
      body = await bodyOf(request)
    } catch (err) {
      this.refuse(from, refused(408, `no whole body: ${errorCode(err)}`))
      return undefined
    }
    // no await from here: who sends many at once has no more guesses
    const { authorization, 'content-type': type } = request.headers
    const stranger = this.#strangerWith(authorization)
    if (stranger !== undefined) {
      this.refuse(from, stranger)
      return stranger
    }
    const order =
      body === undefined
        ? refused(413, `the body must have at most ${maxBody} bytes`)
        : parseActionRequest(this.#live.config, { ...target, type, body })
    const reply = order.kind === 'order' ? this.#carryOut(from, order) : order
    if (reply.kind === 'refused') this.refuse(from, reply)
    return { headers: {}, ...reply }
  }

  /** A line for the log about an order that is not taken. */
  refuse(from: From, { status, text }: Omit<Refusal, 'kind'>): void {
    const untold = this.#told.note(status, performance.now())
    if (untold === undefined) return
    this.#tell({
      level: 'warn',
      fields: {
        ...from,
        status,
        why: text,
        ...(untold > 0 && { untold }),
      },
      message: 'order on the status page refused',
    })
  }

  /** Why this sender gives no orders; undefined when he may. */
  #strangerWith(
    authorization: string | undefined,
  ): (Refusal & Reply) | undefined {
    const nowMs = performance.now()
    const seconds = Math.ceil(this.#wrong.pauseMs(nowMs) / 1_000)
    if (seconds > 0)
      return {
        ...refused(
          429,
          `Too many wrong tokens: no order is taken for ${seconds} s.`,
        ),
        headers: { 'retry-after': String(seconds) },
      }
    const token = this.#token()
    const given = bearerOf(authorization)
    if (token !== undefined && given !== undefined) {
      if (timingSafeEqual(hashOf(given), hashOf(token))) return undefined
      this.#wrong.note(nowMs)
    }
    return {
      ...refused(401, 'The token is missing or wrong.'),
      headers: { 'www-authenticate': 'Bearer' },
    }
  }

  #carryOut(from: From, order: ActionRequest): Done | Refusal {
    const { backend, action, reason, termMs } = order
    const { config } = this.#live
    const until = termMs === null ? null : Date.now() + termMs
    try {
      const note = { reason, by: 'status page', until }
      const done = applyAction(config.directory, backend, action, note)
      this.#tell({
        level: 'info',
        fields: {
          ...from,
          backend,
          done,
          reason: reason === null ? null : printable(reason),
        },
        message: 'order on the status page carried out',
      })
      const { lines } = actionSummary(config, backend, action, done)
      return { kind: 'done', status: 200, text: lines.join('\n') }
    } catch (err) {
      // its message says what to do about the file
      return refused(500, err instanceof Error ? err.message : String(err))
    }
  }

  #token(): string | undefined {
    const path = this.#live.config.status?.tokenFile
    if (path === undefined) {
      this.#state = ''
      return undefined
    }
    const file = tokenIn(path, readRegularFile(path, maxTokenBytes))
    const state = JSON.stringify([path, file.kind === 'token' || file.why])
    if (state !== this.#state) {
      this.#state = state
      this.#tell(
        file.kind === 'token'
          ? {
              level: 'info',
              fields: { tokenFile: path },
              message: 'the status page takes orders',
            }
          : {
              level: 'error',
              fields: { why: file.why, remedy: file.remedy },
              message: 'the status page takes no orders',
            },
      )
    }
    return file.kind === 'token' ? file.token : undefined
  }
}

/** Undefined when it is too long; the rest of it is not read. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  // the answer needs the connection that a destroyed request would take along
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk)
    length += chunk.length
    if (length > maxBody) return undefined
  }
  return Buffer.concat(chunks).toString()
}

/** Whose order it is, and which, for the log. */
export type From = {
  readonly address: string | undefined
  readonly order: string
}

/** Without a query, which nobody reads, and which may be a secret. */
export function whoAndWhat({
  socket,
  method,
  url = '',
}: IncomingMessage): From {
  const path = url.replace(/\?.*$/s, '')
  // longer than any name
  return {
    address: socket.remoteAddress,
    order: `${method} ${path.slice(0, 100)}`,
  }
}

/** Equal in length whatever the text, as the comparison needs it. */
function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
