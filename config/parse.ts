// YAML text -> checked configuration, or every problem it has, at once.
// Pure: the caller reads the file.
import type { $ZodIssue } from 'zod/v4/core'
import type { Config } from './config.ts'
import { defaultTimeoutMs, fillIn } from './defaults.ts'
import { formatDuration, parseDuration } from '../text/duration.ts'
import { isIP, isLoopback } from '../text/ip.ts'
import { kindProblems } from './light-probe.ts'
import { suggestion } from '../text/suggest.ts'
import {
  ConfigError,
  describeProblem,
  type Path,
  type Problem,
} from './problem.ts'
import { describeValue } from '../text/describe.ts'
import {
  fileSchema,
  knownKeys,
  nameRule,
  removedKeys,
  renamedKeys,
} from './schema.ts'
import { readYaml } from './yaml.ts'

/** Measured with one monitor: 1,000. */
const maxBackends = 5_000
/** Most problems reported. */
const maxProblems = 100

/**
 * @param text the whole YAML file
 * @param file its name, for the messages only
 * @throws {ConfigError} with all problems: syntax, unknown keys (with the
 *   nearest known one), values out of range, missing members
 */
export function parseConfig(text: string, file: string): Config {
  const yaml = readYaml(text)
  const { value } = yaml
  if (value === undefined) throw refusal(file, yaml.problems)
  const backends = keysOf(valueAt(value, ['backends'])).length
  if (backends > maxBackends)
    throw refusal(file, [
      {
        path: ['backends'],
        rule: `must be at most ${maxBackends}, got ${backends}; split them into several configurations, each with its own directory`,
        line: yaml.lineOf(['backends']),
      },
    ])
  const parsed = fileSchema.safeParse(value)
  const problems = [
    ...yaml.problems,
    ...(parsed.success
      ? []
      : parsed.error.issues
          .slice(0, maxProblems + 1)
          .flatMap(issue => issueProblems(issue, value))),
    ...memberProblems(value),
    ...probeProblems(value),
    ...allKindProblems(value),
    ...reservedNames(value),
    ...icpProblems(value),
    ...poolProblems(value, 'front'),
    ...clusterProblems(value),
  ]
  if (problems.length === 0 && parsed.success) return fillIn(parsed.data)
  throw refusal(
    file,
    problems.map(problem => ({
      ...problem,
      line: problem.line ?? yaml.lineOf(problem.path),
    })),
  )
}

/** From top to bottom, in the order in which one fixes them. */
function refusal(file: string, problems: readonly Problem[]): ConfigError {
  const reported = problems
    .toSorted((one, other) => lineOf(one) - lineOf(other))
    .slice(0, maxProblems)
    .map(problem => describeProblem(file, problem))
  const more =
    problems.length > maxProblems
      ? [`${file}: there are more problems; these are the first ${maxProblems}`]
      : []
  return new ConfigError([...reported, ...more])
}

/** Problems of the whole file come first. */
function lineOf({ line = 0 }: Problem): number {
  return line
}

function issueProblems(issue: $ZodIssue, raw: unknown): Problem[] {
  let path: Path = issue.path.filter(part => typeof part !== 'symbol')
  if (issue.code === 'unrecognized_keys')
    return issue.keys.slice(0, maxProblems + 1).map(key => ({
      path: [...path, key],
      rule:
        (path.length === 0 ? removedKeys.get(key) : undefined) ??
        unknownKeyRule(key, knownKeys(path)),
    }))
  if (issue.code === 'invalid_key') return [{ path, rule: nameRule }]
  // `zope1: URL` is short for `zope1: { url: URL }`
  if (typeof valueAt(raw, path.slice(0, -1)) === 'string')
    path = path.slice(0, -1)
  const value = valueAt(raw, path)
  if (path.length === 0 && value === null)
    return [{ path, rule: `is empty: it ${issue.message}` }]
  if (value === undefined)
    return [{ path, rule: `is missing: it ${issue.message}` }]
  const hint =
    issue.code === 'invalid_type' &&
    typeof value === 'string' &&
    /^[\w-]+:\S/.test(value)
      ? '; after the ":" of a key there must be a space'
      : ''
  return [{ path, rule: `${issue.message}, ${shown(path, value)}${hint}` }]
}

/** @param known the keys that may stand there */
function unknownKeyRule(key: string, known: readonly string[]): string {
  const now = renamedKeys.get(key)
  return now !== undefined && known.includes(now)
    ? `is now called ${now}: rename it`
    : `is not a known key${suggestion(key, known)}`
}

/** The value, unless it may be a secret: problems are logged. */
function shown(path: Path, value: unknown): string {
  const isSecret =
    (path[0] === 'notify' &&
      [undefined, 'webhook', 'headers', 'command'].some(
        key => key === path[1],
      )) ||
    // perhaps the secret itself instead of its file
    path[1] === 'tokenFile' ||
    path[1] === 'passwordFile'
  return isSecret
    ? 'got something else (not shown: it may be a secret)'
    : `got ${describeValue(value)}`
}

/** Own keys only: a backend may be named "constructor". */
function valueAt(raw: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? Reflect.get(value, key)
        : undefined,
    raw,
  )
}

function keysOf(value: unknown): string[] {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.keys(value)
    : []
}

/**
 * Members that are not a backend, or are named twice. Checks the raw file, so
 * that these are reported together with the problems of form.
 */
function memberProblems(raw: unknown): Problem[] {
  const names = keysOf(valueAt(raw, ['backends']))
  if (names.length === 0) return []
  const backends = new Set(names)
  const problems: Problem[] = []
  for (const pool of keysOf(valueAt(raw, ['pools']))) {
    const members = valueAt(raw, ['pools', pool, 'members'])
    if (!Array.isArray(members)) continue
    const seen = new Set<string>()
    for (const [index, member] of members.entries()) {
      const name: unknown =
        typeof member === 'string' ? member : valueAt(member, ['name'])
      if (typeof name !== 'string') continue
      // each one is compared with all names
      if (problems.length > maxProblems) break
      const path = ['pools', pool, 'members', index]
      if (!backends.has(name))
        problems.push({
          path,
          rule: `must be the name of a backend, got ${describeValue(name)}${suggestion(name, names)}`,
        })
      if (seen.has(name))
        problems.push({
          path,
          rule: `must not name ${describeValue(name)} a second time in one pool`,
        })
      seen.add(name)
    }
  }
  return problems
}

/** Names with another meaning in the directory or in Squid's annotations. */
const reserved = ['none', 'front']

function reservedNames(raw: unknown): Problem[] {
  return keysOf(valueAt(raw, ['backends']))
    .filter(name => reserved.includes(name))
    .map(name => ({
      path: ['backends', name],
      rule: `must have another name: ${reserved.join(' and ')} are reserved`,
    }))
}

/** Backends in `icp` must exist; beyond loopback it needs a list of clients. */
function icpProblems(raw: unknown): Problem[] {
  const icp = valueAt(raw, ['icp'])
  if (icp === undefined) return []
  const names = keysOf(valueAt(raw, ['backends']))
  const listen = blockAt(raw, ['icp', 'listen'])
  const allow = valueAt(icp, ['allow'])
  const isForLoopback = !Array.isArray(allow) || allow.length === 0
  const problems: Problem[] = []
  for (const [name, address] of Object.entries(listen)) {
    const path: Path = ['icp', 'listen', name]
    if (!names.includes(name))
      problems.push({
        path,
        rule: `must be the name of a backend, got ${describeValue(name)}${suggestion(name, names)}`,
      })
    const host = /^\[?(.*?)\]?:\d+$/.exec(String(address))?.[1] ?? ''
    if (isForLoopback && isIP(host) !== 0 && !isLoopback(host))
      problems.push({
        path,
        rule: `must be a loopback address unless icp.allow says who may ask, got ${describeValue(address)}`,
      })
  }
  const addresses = Object.entries(listen)
  for (const [index, [name, address]] of addresses.entries())
    if (addresses.slice(0, index).some(([, other]) => other === address))
      problems.push({
        path: ['icp', 'listen', name],
        rule: `must be a unique address: Squid identifies a backend by it, got ${describeValue(address)} a second time`,
      })
  return [...problems, ...poolProblems(raw, 'icp')]
}

/** The pool of `icp` or `front` must exist. */
function poolProblems(raw: unknown, key: 'icp' | 'front'): Problem[] {
  const block = valueAt(raw, [key])
  if (block === undefined) return []
  const pool = valueAt(block, ['pool']) ?? 'default'
  const pools = valueAt(raw, ['pools'])
  const poolNames = pools === undefined ? ['default'] : keysOf(pools)
  return typeof pool === 'string' && !poolNames.includes(pool)
    ? [
        {
          path: [key, 'pool'],
          rule: `must be the name of a pool, got ${describeValue(pool)}${suggestion(pool, poolNames)}`,
        },
      ]
    : []
}

/** Keys of `cluster` that come in pairs, or only with TLS. */
function clusterProblems(raw: unknown): Problem[] {
  const cluster = blockAt(raw, ['cluster'])
  const problems: Problem[] = []
  for (const [key, other] of [
    ['cert', 'key'],
    ['key', 'cert'],
    ['user', 'passwordFile'],
    ['passwordFile', 'user'],
  ] as const)
    if (key in cluster && !(other in cluster))
      problems.push({
        path: ['cluster', key],
        rule: `must come with cluster.${other}`,
      })
  const { etcd } = cluster
  const isTls =
    Array.isArray(etcd) && etcd.some(url => /^https:/i.test(String(url)))
  for (const key of ['ca', 'cert'])
    if (key in cluster && Array.isArray(etcd) && !isTls)
      problems.push({
        path: ['cluster', key],
        rule: 'must be left out without an https:// address in cluster.etcd',
      })
  return problems
}

/**
 * Limits that depend on each other. A problem is reported where it was made:
 * once for the defaults, otherwise at the backend that overrides them.
 */
function probeProblems(raw: unknown): Problem[] {
  const blocks = keysOf(valueAt(raw, ['backends'])).map(name => {
    const path: Path = ['backends', name, 'probe']
    return { path, own: new Set(keysOf(valueAt(raw, path))) }
  })
  const problems = new Map<string, Problem>()
  for (const { path, own } of blocks) {
    const pathOf = (key: string): Path =>
      own.has(key) ? [...path, key] : ['probe', key]
    const given = (key: string): unknown => valueAt(raw, pathOf(key))
    const report = (at: Path, rule: string): void => {
      problems.set(at.join('.'), { path: at, rule })
    }
    const timeout = millisecondsOf(given('timeout')) ?? defaultTimeoutMs
    for (const key of ['slow', 'connectTimeout', 'firstByteTimeout']) {
      const limit = millisecondsOf(given(key))
      if (limit === undefined || limit <= timeout) continue
      const [long, short] = [formatDuration(limit), formatDuration(timeout)]
      if (own.has('timeout') && !own.has(key))
        report(
          pathOf('timeout'),
          `must be at least probe.${key} (${long}), got ${short}`,
        )
      else
        report(
          pathOf(key),
          `must be at most the whole probe's timeout (${short}), got ${long}`,
        )
    }
    const busyTimeout = millisecondsOf(given('busyTimeout'))
    if (busyTimeout !== undefined && busyTimeout < timeout) {
      const [long, short] = [
        formatDuration(timeout),
        formatDuration(busyTimeout),
      ]
      if (own.has('timeout') && !own.has('busyTimeout'))
        report(
          pathOf('timeout'),
          `must be at most probe.busyTimeout (${short}), got ${long}`,
        )
      else
        report(
          pathOf('busyTimeout'),
          `must be at least the whole probe's timeout (${long}), got ${short}`,
        )
    }
    if (given('method') === 'HEAD' && given('body') !== undefined)
      report(
        pathOf(own.has('method') && !own.has('body') ? 'method' : 'body'),
        own.has('method') && !own.has('body')
          ? 'must not be HEAD while probe.body is given: such an answer has no body'
          : 'must be left out when the method is HEAD: such an answer has no body',
      )
  }
  return [...problems.values()]
}

/** Kinds of light probes, in the common block and in each backend's own. */
function allKindProblems(raw: unknown): Problem[] {
  const common = blockAt(raw, ['probe'])
  return [
    ...kindProblems(['probe'], common, {}),
    ...keysOf(valueAt(raw, ['backends'])).flatMap(name => {
      const path: Path = ['backends', name, 'probe']
      return kindProblems(path, blockAt(raw, path), common)
    }),
  ]
}

function blockAt(raw: unknown, path: Path): Record<string, unknown> {
  const value = valueAt(raw, path)
  return Object.fromEntries(
    keysOf(value).map(key => [key, valueAt(value, [key])]),
  )
}

function millisecondsOf(value: unknown): number | undefined {
  return typeof value === 'string' ? parseDuration(value) : undefined
}
