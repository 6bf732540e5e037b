// Actions sent from the status page: checks the token and applies them. Invariant:
// without a token file that is kept secret no action is accepted, and the file is
// read for each action, so that a changed token counts at once.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { errorCode } from '../system/error-code.ts'
import { printable } from '../text/printable.ts'
import { readRegularFile } from '../system/regular-file.ts'
import { applyAction } from '../operate/apply-action.ts'
import { giveOrder, isShared } from '../operate/give-order.ts'
import { actionSummary } from '../operate/action-summary.ts'
import type { ReportCache } from './report-cache.ts'
import type { PageLog } from './messages.ts'
import {
  parseActionRequest,
  refused,
  type ActionRequest,
  type Refusal,
} from './action-request.ts'
import { bearerOf, maxTokenBytes, tokenIn } from './token.ts'
import { LogLimit } from './log-limit.ts'
import { TokenLimit } from './token-limit.ts'

/** The answer, as plain text. */
type Reply = {
  readonly status: number
  readonly text: string
  readonly headers: Readonly<Record<string, string>>
}

type Done = Omit<Reply, 'headers'> & { readonly kind: 'done' }

/** Bytes of a body: plenty for a reason. */
const maxBody = 1_024

export class ActionHandler {
  readonly #reports: ReportCache
  readonly #log: (line: PageLog) => void
  readonly #tokenLimit = new TokenLimit()
  readonly #logLimit = new LogLimit()
  #state = ''

  /** @param log writes a line to the monitor's log */
  constructor(reports: ReportCache, log: (line: PageLog) => void) {
    this.#reports = reports
    this.#log = log
  }

  /** Whether a usable token exists; logs a change. */
  areTaken(): boolean {
    return this.#token() !== undefined
  }

  /**
   * Reads the rest of the request and applies the action.
   *
   * @param target as written in the path
   * @returns undefined when the client has disconnected or was too slow
   */
  async take(
    request: IncomingMessage,
    target: { readonly backend: string; readonly action: string },
  ): Promise<Reply | undefined> {
    // the address is lost once the client has disconnected
    const from = requestOrigin(request)
    let body
    try {
      body = await bodyOf(request)
    } catch (err) {
      this.refuse(
        from,
        refused(408, `the request body is incomplete: ${errorCode(err)}`),
      )
      return undefined
    }
    // no await from here on: parallel requests must not allow more guesses
    const { authorization, 'content-type': type } = request.headers
    const rejection = this.#rejectionOf(authorization)
    if (rejection !== undefined) {
      this.refuse(from, rejection)
      return rejection
    }
    const order =
      body === undefined
        ? refused(413, `the body must have at maxPerMinute ${maxBody} bytes`)
        : parseActionRequest(this.#reports.config, { ...target, type, body })
    const reply =
      order.kind === 'order' ? await this.#apply(from, order) : order
    if (reply.kind === 'refused') this.refuse(from, reply)
    return { headers: {}, ...reply }
  }

  /** Logs an action that was rejected. */
  refuse(from: From, { status, text }: Omit<Refusal, 'kind'>): void {
    const skipped = this.#logLimit.count(status, performance.now())
    if (skipped === undefined) return
    this.#log({
      level: 'warn',
      fields: {
        ...from,
        status,
        why: text,
        ...(skipped > 0 && { skipped }),
      },
      message: 'action on the status page rejected',
    })
  }

  /** Why this request may not do anything; undefined = it may. */
  #rejectionOf(
    authorization: string | undefined,
  ): (Refusal & Reply) | undefined {
    const nowMs = performance.now()
    const seconds = Math.ceil(this.#tokenLimit.pauseMs(nowMs) / 1_000)
    if (seconds > 0)
      return {
        ...refused(
          429,
          `Too many wrong tokens: no action is accepted for ${seconds} s.`,
        ),
        headers: { 'retry-after': String(seconds) },
      }
    const token = this.#token()
    const presented = bearerOf(authorization)
    if (token !== undefined && presented !== undefined) {
      if (timingSafeEqual(hashOf(presented), hashOf(token))) return undefined
      this.#tokenLimit.recordWrong(nowMs)
    }
    return {
      ...refused(401, 'The token is missing or wrong.'),
      headers: { 'www-authenticate': 'Bearer' },
    }
  }

  async #apply(from: From, order: ActionRequest): Promise<Done | Refusal> {
    const { backend, action, reason, termMs } = order
    const { config } = this.#reports
    const until = termMs === null ? null : Date.now() + termMs
    try {
      const count = { reason, by: 'status page', until }
      const done = isShared(config, backend, false)
        ? await giveOrder(config, backend, action, count)
        : applyAction(config.directory, backend, action, count)
      this.#log({
        level: 'info',
        fields: {
          ...from,
          backend,
          done,
          reason: reason === null ? null : printable(reason),
        },
        message: 'action on the status page applied',
      })
      const { lines } = actionSummary(config, backend, action, done)
      return { kind: 'done', status: 200, text: lines.join('\n') }
    } catch (err) {
      // the message contains the remedy
      return refused(500, err instanceof Error ? err.message : String(err))
    }
  }

  #token(): string | undefined {
    const path = this.#reports.config.status?.tokenFile
    if (path === undefined) {
      this.#state = ''
      return undefined
    }
    const file = tokenIn(path, readRegularFile(path, maxTokenBytes))
    const state = JSON.stringify([path, file.kind === 'token' || file.why])
    if (state !== this.#state) {
      this.#state = state
      this.#log(
        file.kind === 'token'
          ? {
              level: 'info',
              fields: { tokenFile: path },
              message: 'the status page accepts actions',
            }
          : {
              level: 'error',
              fields: { why: file.why, remedy: file.remedy },
              message: 'the status page accepts no actions',
            },
      )
    }
    return file.kind === 'token' ? file.token : undefined
  }
}

/** Undefined if it is too long; the rest is not read. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  // destroying the request would close the connection that the answer needs
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk)
    length += chunk.length
    if (length > maxBody) return undefined
  }
  return Buffer.concat(chunks).toString()
}

/** Origin and content of a request, for the log. */
type From = {
  readonly address: string | undefined
  readonly order: string
}

/** Without the query: it is not used and may contain a secret. */
export function requestOrigin({
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

/** All hashes have the same length, as timingSafeEqual requires. */
function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
