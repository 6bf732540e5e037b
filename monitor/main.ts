// `zope-failover monitor`: checks, wires everything up, waits for a signal. The
// only part of the monitor that touches the process itself.
import { statSync } from 'node:fs'
import { pino, type Logger } from 'pino'
import { machineName } from '../cluster/credentials.ts'
import { errorCode } from '../system/error-code.ts'
import { logOptions } from '../system/log-options.ts'
import { readConfigFile } from '../config/file.ts'
import { parseConfig } from '../config/parse.ts'
import { ConfigError } from '../config/problem.ts'
import { ConfigReload } from '../config/reload.ts'
import { commandRefusal, self } from '../config/trust.ts'
import { watchConfig, watchRemedy } from '../config/watch.ts'
import { version } from '../system/version.ts'
import {
  directoryProblem,
  directoryRemedy,
  foreignOwner,
} from '../sentinels/read.ts'
import { StatusThread } from '../page/page-thread.ts'
import { LockKeeper } from './directory/lock-keeper.ts'
import { releaseLock } from './directory/lock.ts'
import { Monitor, tickMs } from './monitor.ts'
import { ServiceManager } from './service-manager.ts'

const configEveryMs = 1_000
const lingerMs = 1_000

type MonitorOptions = {
  /** a level of pino; info by default */
  readonly logLevel?: string
}

/**
 * Runs until a signal asks it to stop.
 *
 * @returns the exit code: 0 = stopped by a signal, 1 = it cannot go on
 * @throws {ConfigError} when the configuration cannot be used
 */
export async function runMonitor(
  configFile: string,
  options: MonitorOptions = {},
): Promise<number> {
  const file = readConfigFile(configFile)
  const { text } = file
  const config = parseConfig(text, configFile)
  if (config.cluster !== undefined) machineName(config.cluster)
  const untrusted = commandRefusal(config, configFile, file, self())
  if (untrusted !== undefined) throw new ConfigError([untrusted])
  // not synchronous: a blocked stderr must not stop the probes
  const log = pino(
    logOptions('monitor', options.logLevel),
    pino.destination({ fd: 2, sync: false, maxLength: 1_048_576 }),
  )
  const refusal = directoryRefusal(config.directory)
  if (refusal !== undefined) {
    log.fatal({ directory: config.directory, err: refusal }, 'cannot start')
    endHard()
    return 1
  }
  const monitor = new Monitor(configFile, config, log)
  const keeper = new LockKeeper(config.directory, monitor.publisher, log)
  // the lock is a file in the directory, so the directory must exist first
  if (!keeper.keep()) {
    endHard()
    return 1
  }
  log.info(
    {
      version,
      config: configFile,
      directory: config.directory,
      backends: config.backends.length,
    },
    'monitor started',
  )
  const page = new StatusThread(config, log)
  page.count(monitor.telemetry)
  const manager = new ServiceManager(log)
  monitor.start()
  const reload = new ConfigReload(configFile, text, config, (next, read) => {
    if (next.cluster !== undefined) machineName(next.cluster)
    return commandRefusal(next, configFile, read, self())
  })
  const code = await untilStopped(
    () => applyReload(reload, monitor, page, log),
    configFile,
    monitor,
    page,
    keeper,
    manager,
    log,
  )
  page.stop()
  manager.stopping()
  monitor.stop()
  releaseLock(config.directory)
  log.info({ code }, 'monitor stopped, its verdicts stay in effect')
  endHard()
  return code
}

/**
 * A log that is not being read, or a DNS lookup that hangs, must not keep the
 * process alive once everything is done. unref: otherwise it exits by itself.
 */
function endHard(): void {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 2 * lingerMs).unref()
}

function untilStopped(
  checkConfig: () => void,
  configFile: string,
  monitor: Monitor,
  page: StatusThread,
  keeper: LockKeeper,
  manager: ServiceManager,
  log: Logger,
): Promise<number> {
  return new Promise(resolve => {
    const stop = (code: number): void => {
      clearInterval(timer)
      resolve(code)
    }
    let configMs = performance.now()
    const beat = (): void => {
      if (!keeper.keep()) {
        stop(1)
        return
      }
      monitor.beat()
      manager.beat(monitor.reportedMs)
      if (performance.now() - configMs < configEveryMs) return
      configMs = performance.now()
      page.count(monitor.telemetry)
      checkConfig()
    }
    const timer = setInterval(beat, tickMs)
    let isStopping = false
    const onSignal = (signal: NodeJS.Signals): void => {
      // a second signal: stop at once
      if (isStopping) dieOf(signal)
      isStopping = true
      log.info({ signal }, 'asked to stop')
      stop(0)
      // A DNS lookup that hangs cannot be canceled, and exit() waits for it.
      // Everything else is done long before. unref: usually none is hanging.
      setTimeout(() => dieOf(signal), lingerMs).unref()
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
    const onChange = (): void => {
      if (!isStopping) checkConfig()
    }
    process.on('SIGHUP', onChange)
    watchConfig(configFile, onChange, err =>
      log.warn(
        { file: configFile, err, remedy: watchRemedy },
        'cannot watch the configuration, reading it once a second',
      ),
    )
  })
}

/** Ends this process at once, as the signal would without our handler. */
function dieOf(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}

/** Applies a changed configuration, or logs why it was rejected. */
function applyReload(
  reload: ConfigReload,
  monitor: Monitor,
  page: StatusThread,
  log: Logger,
): void {
  const change = reload.check()
  if (change === undefined) return
  if (change.kind === 'changed') {
    monitor.reconfigure(change.config)
    page.reconfigure(change.config)
  } else {
    page.showProblems(change.problems)
    log.error(
      { problems: change.problems },
      'configuration rejected, keeping the previous one',
    )
  }
}

/** Why the monitor must not start on this directory. */
function directoryRefusal(directory: string): string | undefined {
  try {
    const stats = statSync(directory)
    return stats.isDirectory()
      ? (directoryProblem(directory, stats) ?? foreignOwner(directory, stats))
      : `${directory} must be a directory; ${directoryRemedy('ENOTDIR')}`
  } catch (err) {
    const code = errorCode(err)
    return code === 'ENOTDIR' || code === 'ELOOP'
      ? `${directory} must be a directory, got ${code}; ${directoryRemedy('ENOTDIR')}`
      : undefined
  }
}
