// Reports to systemd that the monitor is ready, alive, or stopping (sd_notify).
// Node has no Unix datagram sockets, so systemd-notify sends the message; it is
// installed wherever systemd is. Without NOTIFY_SOCKET this does nothing.
import { spawn } from 'node:child_process'
import type { Logger } from 'pino'
import { errorCode } from '../system/error-code.ts'
import { LogOnce } from '../system/log-once.ts'

/** httpd starts after the monitor and must not wait longer than this. */
const readyAnywayMs = 10_000
/** The report is due every second; when it is older, something is wrong. */
const reportLimitMs = 5_000

export class ServiceManager {
  readonly #log: Logger
  readonly #socket: string | undefined
  /** how often systemd expects WATCHDOG=1; Infinity = never */
  readonly #everyMs: number
  readonly #startedMs = performance.now()
  #isReady = false
  #notifiedMs = -Infinity
  #isSending = false
  readonly #logged = new LogOnce()

  /**
   * Removes what systemd has set from the environment: an administrator's
   * command must not notify in the monitor's name (httpd notifies systemd, too).
   */
  constructor(log: Logger) {
    this.#log = log
    this.#socket = process.env['NOTIFY_SOCKET']
    const watchdogMs = Number(process.env['WATCHDOG_USEC']) / 1_000
    this.#everyMs = watchdogMs > 0 ? watchdogMs / 3 : Infinity
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'])
      delete process.env[name]
  }

  /**
   * Called on every beat of the monitor: a stuck event loop sends nothing.
   *
   * @param reportedMs when the last report was written, by performance.now();
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
      this.#notify(nowMs, 'READY=1', 'WATCHDOG=1')
    } else if (
      // before the first report none can be too old
      (isAlive || reportedMs === -Infinity) &&
      nowMs - this.#notifiedMs >= this.#everyMs
    )
      this.#notify(nowMs, 'WATCHDOG=1')
  }

  stopping(): void {
    if (this.#socket !== undefined)
      this.#notify(performance.now(), 'STOPPING=1')
  }

  #notify(nowMs: number, ...words: readonly string[]): void {
    this.#notifiedMs = nowMs
    this.#isSending = true
    const end = (how: string | number | null): void => {
      this.#isSending = false
      if (how === 0 || !this.#logged.isNew('notify')) return
      this.#log.error(
        { err: how },
        'systemd-notify failed: systemd cannot see that the monitor is alive',
      )
    }
    let child
    try {
      // it has its own time limit: 5 s
      child = spawn('systemd-notify', words, {
        stdio: 'ignore',
        env: { ...process.env, NOTIFY_SOCKET: this.#socket },
      })
    } catch (err) {
      // spawn throws some errors (ENOMEM) and emits others (ENOENT)
      end(errorCode(err))
      return
    }
    child.once('error', err => end(errorCode(err)))
    child.once('exit', (code, signal) => end(code ?? signal))
    // a stopping monitor does not wait for it
    child.unref()
  }
}
