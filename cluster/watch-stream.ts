// One open watch: the lines that etcd writes as keys change, until it ends.
import { got, RequestError, type OptionsOfTextResponseBody } from 'got'
import { errorCode } from '../system/error-code.ts'
import { watchLine, type Failure, type WatchLine } from './answers.ts'
import { whyOf } from './failure-text.ts'

/** A line that is longer is not about our keys. */
const maxLineLength = 64 * 1024 * 1024

export type Watch = {
  /** resolves with why it ended; never rejects */
  readonly ended: Promise<WatchEnd>
  readonly url: string
  readonly stop: () => void
}

export type WatchEnd =
  | { readonly kind: 'compacted' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly why: string }

/**
 * @param onLine every line but those that end the watch
 * @param onFailure before `ended` resolves with a failure; what etcd gave as its reason
 */
export function openWatch(
  url: string,
  request: Pick<
    OptionsOfTextResponseBody,
    'agent' | 'body' | 'headers' | 'timeout'
  >,
  onLine: (line: WatchLine) => void,
  onFailure: (failure?: Failure) => void,
): Watch {
  const stream = got.stream.post(`${url}/v3/watch`, {
    ...request,
    retry: { limit: 0 },
    throwHttpErrors: false,
  })
  let hasEnded = false
  let rest = ''
  const { promise: ended, resolve } = withResolvers<WatchEnd>()
  const finish = (end: WatchEnd, failure?: Failure): void => {
    if (hasEnded) return
    hasEnded = true
    // ignore errors of the teardown
    stream.on('error', () => {})
    stream.destroy()
    if (end.kind === 'failed') onFailure(failure)
    resolve(end)
  }
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > maxLineLength)
      finish({ kind: 'failed', why: 'a line of the watch is too long' })
    for (const one of lines) {
      if (hasEnded || one === '') continue
      const line = watchLine(one)
      if (line.kind === 'compacted') finish({ kind: 'compacted' })
      else if (line.kind === 'ended') {
        const { failure } = line
        finish({ kind: 'failed', why: whyOf(failure) }, failure)
      } else onLine(line)
    }
  })
  stream.on('end', () => {
    finish({ kind: 'failed', why: 'the watch was closed' })
  })
  stream.on('error', err => {
    finish({ kind: 'failed', why: codeOf(err) })
  })
  return { ended, url, stop: () => finish({ kind: 'stopped' }) }
}

/** Promise.withResolvers(), which Node 20 does not have. */
function withResolvers<Value>() {
  let resolve: (value: Value) => void = ignored
  const promise = new Promise<Value>(done => {
    resolve = done
  })
  return { promise, resolve }
}

function ignored(): void {}

/** Of a failed request. Never the message: it may quote the request. */
export function codeOf(err: unknown): string {
  return err instanceof RequestError ? err.code : errorCode(err)
}
