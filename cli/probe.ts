import { Argument, Command } from 'commander'
import type { Backend } from '../config/config.ts'
import { readConfigFile } from '../config/file.ts'
import { parseConfig } from '../config/parse.ts'
import { ConfigError } from '../config/problem.ts'
import { commandRefusal, self } from '../config/trust.ts'
import { configOption } from './options.ts'
import { parseUrl } from '../text/url.ts'

/** The exit codes of monitoring plugins. */
const exitCodes = { ok: 0, warning: 1, critical: 2, unknown: 3 } as const

/** `zope-failover probe NAME|URL`. */
export function probeCommand(): Command {
  return new Command('probe')
    .description(
      'run one probe now, in full detail; exit code 0 ok, 1 late, 2 failed, 3 could not probe',
    )
    .addArgument(
      new Argument(
        '[backend]',
        'a backend of the configuration, or a URL (probed with the defaults)',
      ),
    )
    .addOption(configOption())
    .action(async (target: string | undefined, options: { config: string }) => {
      const backend = backendFor(target ?? '', options.config)
      if (typeof backend === 'string') {
        process.stderr.write(`${backend}\n`)
        process.exitCode = exitCodes.unknown
        return
      }
      const { Resolver } = await import('../probes/resolver.ts')
      const { probeLight } = await import('../probes/light.ts')
      const { conclude, probeText } = await import('../probes/probe-text.ts')
      const { runExtraProbes } = await import('../probes/extra-probes.ts')
      const resolver = new Resolver()
      const { signal } = new AbortController()
      const [probed, extra] = await Promise.all([
        probeLight(backend, resolver, signal),
        runExtraProbes(backend, resolver),
      ])
      process.stdout.write(probeText(backend, probed, extra))
      process.exitCode =
        exitCodes[conclude(probed.outcome, probed.ms, backend.probe, extra)]
    })
}

/** The backend to probe, or the reason why not. */
function backendFor(target: string, configFile: string): Backend | string {
  try {
    if (target.includes('://')) return backendOfUrl(target)
    const file = readConfigFile(configFile)
    const config = parseConfig(file.text, configFile)
    const { backends } = config
    const found = backends.find(({ name }) => name === target)
    // the command would run as the current user
    const refusal =
      found?.probe.light.kind === 'command'
        ? commandRefusal(config, configFile, file, self())
        : undefined
    if (refusal !== undefined) return refusal
    const names = backends.map(({ name }) => name).join(', ')
    return (
      found ??
      `probe needs a backend of ${configFile} (${names}) or a URL, got ${JSON.stringify(target)}`
    )
  } catch (err) {
    if (err instanceof ConfigError) return err.problems.join('\n')
    throw err
  }
}

/** @throws {ConfigError} when it is not the URL of a backend */
function backendOfUrl(text: string): Backend | string {
  const url = parseUrl(text)
  const path = url === undefined ? '/' : url.pathname + url.search
  const origin = url === undefined ? text : text.slice(0, originLength(text))
  const config = parseConfig(
    JSON.stringify({ backends: { url: { url: origin, probe: { path } } } }),
    'the command line',
  )
  return config.backends[0] ?? `${text} is not a URL`
}

/** The part that the configuration allows in a URL: no path, no query. */
function originLength(text: string): number {
  const path = text.slice(text.indexOf('://') + 3).search(/[/?]/)
  return path === -1 ? text.length : text.indexOf('://') + 3 + path
}
