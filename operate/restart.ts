// Restarts one backend while visitors are served: take it out, wait until idle, run
// the command, wait for an answer, warm it up, put it back. Invariant: a failure
// before the command starts restores the former state; after that the backend stays
// out until it answers.
// It uses maint, not drain: sticky visitors keep coming to a drained backend, so on a
// busy site it never gets idle, and a POST at the wrong moment would be lost.
import { spawn } from 'node:child_process'
import { EngineError } from '../cluster/engine-error.ts'
import {
  addressOf,
  type Backend,
  type Config,
  type WarmUpPage,
} from '../config/config.ts'
import { formatDuration } from '../text/duration.ts'
import { errorCode } from '../system/error-code.ts'
import { printable } from '../text/printable.ts'
import { warmUpPages } from '../config/warm-up.ts'
import { describe } from '../health/outcome.ts'
import { judgePage } from '../health/warm-up.ts'
import { Resolver } from '../probes/resolver.ts'
import { fetchPage } from '../probes/page.ts'
import { statusOf } from '../status/read.ts'
import { monitorReportFile } from '../sentinels/names.ts'
import { readRegularFile } from '../sentinels/read.ts'
import {
  isMonitorReport,
  parseReport,
  type BackendReport,
} from '../sentinels/reports.ts'
import { countInFlight } from './count.ts'
import { isBack, isTakenOver, maintBy, mayLeave } from './decide.ts'
import type { ClusterRestart } from './cluster-restart.ts'
import type { Hold } from './hold.ts'
import { MaintenanceLease } from './maintenance-lease.ts'
import { monitorPid, untilIdle, waitFor, type Progress } from './wait.ts'

/** One backend's restart. */
export type Job = {
  readonly config: Config
  readonly backend: Backend
  /** without a shell; `{}` in an argument stands for the backend's name */
  readonly command: readonly [string, ...string[]]
  /** paths as visitors see them, in place of the backend's own list */
  readonly warmUp: readonly string[] | undefined
  /** for each wait, in ms */
  readonly limitMs: number
  /** who runs the command */
  readonly by: string
  readonly progress: Progress
  /** aborted by the operator; a running command is awaited */
  readonly signal: AbortSignal
  /** the other machines; undefined: this one alone */
  readonly others: ClusterRestart | undefined
}

/** The restart ends here; the message has the reason and the state of the backend. */
export class RestartAborted extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'RestartAborted'
  }
}

/** @throws {RestartAborted} */
export async function restart(job: Job): Promise<void> {
  const { config, backend, progress } = job
  const { name } = backend
  const lease: Hold =
    job.others?.hold(name) ??
    new MaintenanceLease(config.directory, name, job.by)
  try {
    await takeOut(job, lease)
  } catch (err) {
    const isAsBefore = !lease.isTaken || lease.isOurs()
    const problem = await releaseProblem(lease)
    if (problem !== undefined)
      throw new RestartAborted(
        `${name}: ${textOf(err)}; it was not restarted; it stays in maint until a minute after etcd is back (${problem})`,
        { cause: err },
      )
    throw new RestartAborted(
      `${name}: ${textOf(err)}; it was not restarted${isAsBefore ? ', and everything is as before' : ''}`,
      { cause: err },
    )
  }
  try {
    await renew(job, lease)
  } catch (err) {
    const isOurs = lease.isOurs()
    await lease.leave(`${lease.reason}; stopped: ${textOf(err)}`)
    throw new RestartAborted(
      `${name}: ${textOf(err)}${isOurs ? `; it stays out of service (maint). Once it is healthy, type: zope-failover ready ${name}` : ''}`,
      { cause: err },
    )
  }
  const problem = await releaseProblem(lease)
  if (problem !== undefined)
    throw new RestartAborted(
      `${name}: it was restarted and answers, but stays in maint until a minute after etcd is back (${problem})`,
    )
  progress.step(`${name}: in service again`)
  try {
    await untilItServes(job)
  } catch (err) {
    throw new RestartAborted(`${name}: ${textOf(err)}; it is in service`, {
      cause: err,
    })
  }
  progress.step(`${name}: up`)
}

/** Why it could not be put back into service; undefined: it was. */
async function releaseProblem(lease: Hold): Promise<string | undefined> {
  try {
    await lease.release()
    return undefined
  } catch (err) {
    if (err instanceof EngineError) return err.message
    throw err
  }
}

function textOf(err: unknown): string {
  return err instanceof Error ? err.message : String(err)
}

/** Takes it out of service and waits until it is idle. */
async function takeOut(job: Job, lease: Hold): Promise<void> {
  const { config, backend, limitMs, progress, signal } = job
  const { name } = backend
  await untilItMayLeave(job)
  await job.others?.ask(name, 'leave', job)
  const refusal = maintBy(statusOf(config, Date.now()), name)
  if (refusal !== undefined) throw new RestartAborted(refusal)
  await lease.take('restart: waiting until it is idle')
  progress.step(`${name}: out of service, waiting until it is idle`)
  const [tooLate] = await Promise.all([
    untilIdle(
      config,
      backend,
      lease.sinceMs,
      limitMs,
      signal,
      progress,
      status => {
        lease.check()
        const leave = mayLeave(config, status, name)
        if (leave.kind === 'no') throw new RestartAborted(leave.why)
      },
    ),
    job.others?.ask(name, 'idle', job),
  ])
  if (tooLate !== undefined)
    throw new RestartAborted(`${tooLate} (--limit allows more time)`)
  lease.check()
  signal.throwIfAborted()
}

/** Runs the command, waits for an answer, warms it up. */
async function renew(job: Job, lease: Hold): Promise<void> {
  const { backend, command, progress, signal } = job
  const { name } = backend
  await lease.setReason('restart: the command runs')
  lease.check()
  progress.step(`${name}: idle, running ${command.join(' ')}`)
  const code = await run(command, backend)
  const endMs = Date.now()
  if (code !== 0) throw new RestartAborted(`the command exited with ${code}`)
  await lease.setReason(
    'restart: the command is done, waiting until it answers',
  )
  signal.throwIfAborted()
  progress.step(`${name}: the command is done, waiting until it answers`)
  await untilBack(job, endMs, false)
  await job.others?.ask(name, 'back', job)
  await lease.setReason('restart: warming up')
  const pages =
    job.warmUp === undefined
      ? (backend.probe.warmUp ?? [])
      : warmUpPages(job.config.pools, name, job.warmUp)
  for (const page of pages) await warmUp(job, page)
  lease.check()
}

/** First checks that requests can be counted, before anything is changed. */
async function untilItMayLeave(job: Job): Promise<void> {
  const { config, backend, limitMs, progress, signal } = job
  const { name } = backend
  await countInFlight(config, backend, monitorPid(statusOf(config, Date.now())))
  let why = ''
  const isDone = await waitFor(limitMs, signal, () => {
    const leave = mayLeave(config, statusOf(config, Date.now()), name)
    if (leave.kind === 'yes') return true
    why = leave.why
    if (leave.kind === 'no') throw new RestartAborted(why)
    progress.live(`${name}: ${why}`)
    return undefined
  })
  if (isDone === undefined)
    throw new RestartAborted(`${why} for ${formatDuration(limitMs)}`)
}

/**
 * @param sinceMs since 1970: only a probe that began later counts
 * @param isWhole with its full share, after slow start
 */
async function untilBack(
  { config, backend, limitMs, progress, signal }: Job,
  sinceMs: number,
  isWhole: boolean,
): Promise<void> {
  const { name, probe } = backend
  const totalMs = limitMs + (isWhole ? probe.slowStartMs : 0)
  let why = ''
  const isDone = await waitFor(totalMs, signal, () => {
    const status = statusOf(config, Date.now())
    const back =
      monitorPid(status) === undefined
        ? ({ kind: 'not-yet', why: 'the monitor is not running' } as const)
        : isBack(reportOf(config, name), sinceMs, isWhole)
    if (back.kind === 'back') return true
    why = back.why
    progress.live(`${name}: ${why}`)
    return undefined
  })
  if (isDone === undefined)
    throw new RestartAborted(
      `it did not come back within ${formatDuration(totalMs)} (${why})`,
    )
}

/** Waits until it has its full share and every map program knows. */
async function untilItServes(job: Job): Promise<void> {
  const sinceMs = Date.now()
  await untilBack(job, sinceMs, true)
  await waitFor(job.limitMs, job.signal, () => {
    const now = Date.now()
    return isTakenOver(statusOf(job.config, now), sinceMs, now) || undefined
  })
}

const maxReportBytes = 32 * 1024 * 1024

function reportOf(
  { directory }: Config,
  name: string,
): BackendReport | undefined {
  const read = readRegularFile(
    `${directory}/${monitorReportFile}`,
    maxReportBytes,
  )
  const report = read.kind === 'bytes' ? parseReport(read.text) : undefined
  return isMonitorReport(report) ? report.backends[name] : undefined
}

/** The exit code, the signal that ended it, or why it could not be started. */
function run(
  [program, ...args]: Job['command'],
  backend: Backend,
): Promise<number | string> {
  const fill = (word: string): string => word.replaceAll('{}', backend.name)
  return new Promise(done => {
    const child = spawn(fill(program), args.map(fill), {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        ZOPE_FAILOVER_BACKEND: backend.name,
        ZOPE_FAILOVER_ADDRESS: addressOf(backend),
      },
    })
    child.on('error', err => done(errorCode(err)))
    child.on('exit', (code, by) => done(code ?? by ?? 'unknown'))
  })
}

/** @throws {RestartAborted} when there is no answer within the limit, or an error page */
async function warmUp(
  { backend, limitMs, progress, signal }: Job,
  { shown, path }: WarmUpPage,
): Promise<void> {
  const { name, probe } = backend
  progress.live(`${name}: GET ${shown}`)
  const { outcome, ms, response } = await fetchPage(
    backend,
    path,
    limitMs,
    new Resolver(),
    signal,
  )
  signal.throwIfAborted()
  if (outcome.kind !== 'pass' || 'by' in outcome)
    throw new RestartAborted(
      `GET ${shown} had no answer (${describe(outcome)})`,
    )
  const { status } = outcome
  const location = printable(response?.headers.location ?? '').slice(0, 200)
  // every visitor would get that error page
  const { complaint } = judgePage(outcome, ms, probe.slowMs, location)
  const remark = complaint === null || status >= 500 ? '' : ` (${complaint})`
  progress.step(
    `${name}: GET ${shown}: ${status} in ${Math.round(ms)} ms${remark}`,
  )
  if (status >= 500) throw new RestartAborted(`GET ${shown} gave ${status}`)
}
