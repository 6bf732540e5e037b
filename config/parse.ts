// YAML text -> checked configuration, or every problem it has, at once.
// Pure: the caller reads the file.
import { closest, distance } from 'fastest-levenshtein'
import { isNode, LineCounter, parseDocument } from 'yaml'
import type { $ZodIssue } from 'zod/v4/core'
import type {
  Backend,
  Config,
  Heartbeat,
  Member,
  Pool,
  ProbeSettings,
} from './config.ts'
import { formatDuration } from './duration.ts'
import { ConfigError, describeProblem, found } from './problem.ts'
import type { Problem } from './problem.ts'
import { fileSchema, knownKeys } from './schema.ts'
import type { FileInput, ProbeInput } from './schema.ts'

type Path = readonly (string | number)[]

/**
 * @param text the whole YAML file
 * @param file its name, for the messages only
 * @throws {ConfigError} with all problems: syntax, unknown keys (with the
 *   nearest known one), values out of range, members that do not exist
 */
export function parseConfig(text: string, file: string): Config {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const syntax = [...document.errors, ...document.warnings]
  if (syntax.length > 0) {
    throw new ConfigError(
      syntax.map(problem => {
        const line = lines.linePos(problem.pos[0]).line
        const first = problem.message.split('\n')[0] ?? ''
        return `${file}:${line}: the file must be YAML: ${first.replace(/ at line \d+, column \d+:?$/, '')}`
      }),
    )
  }
  const raw: unknown = document.toJS()
  const parsed = fileSchema.safeParse(raw)
  const problems: Problem[] = parsed.success
    ? []
    : parsed.error.issues.flatMap(issue => issueProblems(issue, raw))
  problems.push(...memberProblems(raw))
  const config = parsed.success ? fillIn(parsed.data) : undefined
  if (config !== undefined) problems.push(...timingProblems(config))
  if (problems.length === 0 && config !== undefined) return config
  const lineOf = (path: readonly (string | number)[]): number | undefined => {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true)
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
    }
    return undefined
  }
  throw new ConfigError(
    problems.map(problem => {
      const line = problem.line ?? lineOf(problem.path)
      return describeProblem(
        file,
        line === undefined ? problem : { ...problem, line },
      )
    }),
  )
}

function issueProblems(issue: $ZodIssue, raw: unknown): Problem[] {
  const path = issue.path.map(part =>
    typeof part === 'symbol' ? part.toString() : part,
  )
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map(key => ({
      path: [...path, key],
      rule: `is not a known key${nearest(key, knownKeys(path))}`,
    }))
  if (issue.code === 'invalid_key')
    return [{ path, rule: issue.issues[0]?.message ?? issue.message }]
  const value = valueAt(raw, path)
  const isMissing = value === undefined && issue.code === 'invalid_type'
  return [
    {
      path,
      rule: isMissing
        ? `is missing: it ${issue.message}`
        : `${issue.message}, got ${found(value)}`,
    },
  ]
}

function nearest(key: string, known: readonly string[]): string {
  if (known.length === 0) return ''
  const guess = closest(key, known)
  return distance(key.toLowerCase(), guess.toLowerCase()) <=
    Math.max(2, guess.length / 3)
    ? `; did you mean "${guess}"?`
    : `; known here: ${known.join(', ')}`
}

function valueAt(raw: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null
        ? Reflect.get(value, key)
        : undefined,
    raw,
  )
}

/**
 * Members that are no backend, or are named twice. Looks at the raw file, so
 * that these are told together with the problems of form.
 */
function memberProblems(raw: unknown): Problem[] {
  const backends = keysOf(valueAt(raw, ['backends']))
  if (backends.length === 0) return []
  const problems: Problem[] = []
  for (const pool of keysOf(valueAt(raw, ['pools']))) {
    const members = valueAt(raw, ['pools', pool, 'members'])
    if (!Array.isArray(members)) continue
    const seen = new Set<string>()
    for (const [index, member] of members.entries()) {
      const name: unknown =
        typeof member === 'string' ? member : valueAt(member, ['name'])
      if (typeof name !== 'string') continue
      const path = ['pools', pool, 'members', index]
      if (!backends.includes(name))
        problems.push({
          path,
          rule: `must name one of the backends (${backends.join(', ')}), got ${found(name)}`,
        })
      if (seen.has(name))
        problems.push({
          path,
          rule: `must not name ${name} a second time in one pool`,
        })
      seen.add(name)
    }
  }
  return problems
}

function keysOf(value: unknown): string[] {
  return typeof value === 'object' && value !== null ? Object.keys(value) : []
}

/** Limits that only make sense together. */
function timingProblems(config: Config): Problem[] {
  return config.backends.flatMap(({ name, probe }) => {
    const path = ['backends', name, 'probe']
    const problems: Problem[] = []
    const atMostTimeout = (key: string, ms: number): void => {
      if (ms > probe.timeoutMs)
        problems.push({
          path: [...path, key],
          rule: `must be at most the whole probe's timeout (${formatDuration(probe.timeoutMs)}), got ${formatDuration(ms)}`,
        })
    }
    atMostTimeout('slow', probe.slowMs)
    atMostTimeout('connectTimeout', probe.connectTimeoutMs)
    atMostTimeout('firstByteTimeout', probe.firstByteTimeoutMs)
    if (probe.method === 'HEAD' && probe.body !== null)
      problems.push({
        path: [...path, 'body'],
        rule: 'must be left out when probe.method is HEAD: such an answer has no body',
      })
    return problems
  })
}

function fillIn(input: FileInput): Config {
  const backends = Object.entries(input.backends).map(
    ([name, { url, probe }]): Backend => ({
      name,
      ...url,
      probe: probeSettings({ ...input.probe, ...probe }),
    }),
  )
  const all = backends.map(backend => ({
    name: backend.name,
    weight: 1,
    tier: undefined,
  }))
  const poolInputs = input.pools ?? { default: undefined }
  const pools = Object.entries(poolInputs).map(([name, pool]): Pool => {
    const policy = pool?.policy ?? 'failover'
    return {
      name,
      policy,
      members: (pool?.members ?? all).map((member, index): Member => ({
        name: member.name,
        weight: member.weight,
        tier: member.tier ?? (policy === 'failover' ? index + 1 : 1),
      })),
      whenAllDown: pool?.whenAllDown ?? 'maintenance',
      stickiness: pool?.stickiness ?? 'strict',
      failback: pool?.failback ?? 'newcomers',
      minAlive: pool?.minAlive ?? 1,
    }
  })
  return {
    directory: input.directory.replace(/(?<=.)\/+$/, ''),
    staleAfterMs: input.staleAfter,
    backends,
    pools,
  }
}

/** Every default of a probe, in one place. */
function probeSettings(given: ProbeInput): ProbeSettings {
  const intervalMs = given.interval ?? 1_000
  const timeoutMs = given.timeout ?? 5_000
  return {
    path: given.path ?? '/',
    method: given.method ?? 'GET',
    host: given.host ?? null,
    intervalMs,
    fastIntervalMs: given.fastInterval ?? Math.max(50, intervalMs / 4),
    downIntervalMs: given.downInterval ?? intervalMs,
    slowMs: given.slow ?? Math.min(1_000, timeoutMs),
    timeoutMs,
    connectTimeoutMs: given.connectTimeout ?? Math.min(2_000, timeoutMs),
    firstByteTimeoutMs: given.firstByteTimeout ?? timeoutMs,
    rise: given.rise ?? 2,
    fall: given.fall ?? 3,
    status: given.status ?? [[200, 399]],
    body: given.body ?? null,
    maxBody: given.maxBody ?? 65_536,
    verify: given.verify ?? true,
    window: given.window ?? { failures: 0, of: 0 },
    slowStartMs: given.slowStart ?? 30_000,
    heartbeat: heartbeat(given.heartbeat ?? 'auto'),
    busyForMs: given.busyFor ?? 60_000,
    deep:
      given.deep === undefined
        ? null
        : {
            path: given.deep.path,
            intervalMs: given.deep.interval,
            timeoutMs: given.deep.timeout,
            maxLagMs: given.deep.maxLag,
          },
  }
}

function heartbeat(given: NonNullable<ProbeInput['heartbeat']>): Heartbeat {
  if (typeof given === 'string') return { kind: given }
  return {
    kind: 'fixed',
    intervalMs: given.interval ?? 250,
    timeoutMs: given.timeout ?? 500,
  }
}
