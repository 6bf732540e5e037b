// Tells systemd that the monitor is ready, lives, and stops (sd_notify). Node has no
// datagram sockets of the unix kind, so systemd-notify sends it, which is where
// systemd is. Without NOTIFY_SOCKET nothing is done.
import { spawn } from 'node:child_process'
import type { Logger } from 'pino'
import { errorCode } from '../system/error-code.ts'

/** httpd starts after the monitor, and shall not wait for longer. */
const readyAnywayMs = 10_000
/** The report is due each second; older than this, something is wrong. */
const reportLimitMs = 5_000

export class ServiceManager {
  readonly #log: Logger
  readonly #socket: string | undefined
  /** how often systemd wants to hear of us; Infinity = never */
  readonly #everyMs: number
  readonly #startedMs = performance.now()
  #isReady = false
  #saidMs = -Infinity
  #isSending = false
  #isTroubleTold = false

  /**
   * Takes what systemd has set out of the environment: a command of the
   * administrator must not speak for the monitor (httpd tells systemd, too).
   */
  constructor(log: Logger, environment: NodeJS.ProcessEnv = process.env) {
    this.#log = log
    this.#socket = environment['NOTIFY_SOCKET']
    const watchdogMs = Number(environment['WATCHDOG_USEC']) / 1_000
    this.#everyMs = watchdogMs > 0 ? watchdogMs / 3 : Infinity
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'])
      delete environment[name]
  }

  /**
   * Called with every beat of the monitor, so that a loop that stands says nothing.
   *
   * @param reportedMs when the last report was made, by performance.now();
   *   -Infinity = never
   */
  beat(reportedMs: number): void {
    if (this.#socket === undefined || this.#isSending) return
    const nowMs = performance.now()
    const isAlive = nowMs - reportedMs < reportLimitMs
    const isStarting = nowMs - this.#startedMs < readyAnywayMs
    if (!this.#isReady) {
      if (!isAlive && isStarting) return
      this.#isReady = true
      this.#say(nowMs, 'READY=1', 'WATCHDOG=1')
    } else if (
      // before the first report there is none that could be too old
      (isAlive || reportedMs === -Infinity) &&
      nowMs - this.#saidMs >= this.#everyMs
    )
      this.#say(nowMs, 'WATCHDOG=1')
  }

  stopping(): void {
    if (this.#socket !== undefined) this.#say(performance.now(), 'STOPPING=1')
  }

  #say(nowMs: number, ...words: readonly string[]): void {
    this.#saidMs = nowMs
    this.#isSending = true
    const end = (how: string | number | null): void => {
      this.#isSending = false
      if (how === 0 || this.#isTroubleTold) return
      this.#isTroubleTold = true
      this.#log.error(
        { err: how },
        'systemd-notify does not work: systemd does not learn that the monitor lives',
      )
    }
    let child
    try {
      // it has a limit of its own: 5 s
      child = spawn('systemd-notify', words, {
        stdio: 'ignore',
        env: { ...process.env, NOTIFY_SOCKET: this.#socket },
      })
    } catch (err) {
      // spawn throws some errors (ENOMEM), and emits others (ENOENT)
      end(errorCode(err))
      return
    }
    child.once('error', err => end(errorCode(err)))
    child.once('exit', (code, signal) => end(code ?? signal))
    // a monitor that ends does not wait for it
    child.unref()
  }
}
