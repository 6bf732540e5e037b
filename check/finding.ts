// What `check` found, and how it is printed. Pure.
import { printable } from '../text/printable.ts'

export const severities = ['error', 'warning', 'info'] as const
export type Severity = (typeof severities)[number]

export type Finding = {
  /** stable, for machines; docs/check-json.md lists them */
  readonly code: string
  readonly severity: Severity
  readonly what: string
  readonly why: string
  /** what to type, or what to write where */
  readonly remedy: string
  /** `FILE:LINE`; null: no single place */
  readonly where: string | null
}

/** What was checked: finding nothing differs from checking nothing. */
export type FoundAt = {
  readonly config: string
  readonly directory: string
  /** one for each httpd configuration */
  readonly servers: readonly {
    readonly conf: string
    readonly version: string | null
    readonly files: number
    /** map programs that were tried */
    readonly maps: number
  }[]
  /** squid.conf, if it was checked */
  readonly squid?: string
}

export type CheckReport = {
  readonly version: string
  readonly worst: Severity | null
  readonly seen: FoundAt
  readonly findings: readonly Finding[]
}

/** `FILE:LINE` of something read from a file. */
export function locationOf(at: {
  readonly file: string
  readonly line: number
}): string {
  return `${at.file}:${at.line}`
}

/** Worst first, duplicates removed; within a severity in the order found. */
export function checkReport(
  version: string,
  seen: FoundAt,
  found: readonly Finding[],
): CheckReport {
  const unique = new Map(
    found.map(finding => [JSON.stringify(finding), finding]),
  )
  const findings = severities.flatMap(severity =>
    [...unique.values()].filter(finding => finding.severity === severity),
  )
  return { version, worst: findings[0]?.severity ?? null, seen, findings }
}

/** 1 if a finding is at least this severe. */
export function exitCodeOf(report: CheckReport, failOn: Severity): 0 | 1 {
  return report.worst !== null &&
    severities.indexOf(report.worst) <= severities.indexOf(failOn)
    ? 1
    : 0
}

/**
 * The report for a person.
 *
 * @param isColoured on a terminal
 */
export function checkText(report: CheckReport, isColoured: boolean): string {
  const colors = { error: 31, warning: 33, info: 36 }
  const blocks = report.findings.map(
    ({ code, severity, what, why, remedy, where }) => {
      const head = isColoured
        ? `\u001B[${colors[severity]}m${severity}\u001B[0m`
        : severity
      const place = where === null ? '' : ` ${printable(where)}`
      return `${head} ${code}${place}\n  ${lines(what)}\n  why: ${lines(why)}\n  do:  ${lines(remedy)}\n\n`
    },
  )
  return `${blocks.join('')}${summary(report)}\n`
}

/** A remedy may have several lines; control characters in it are made visible. */
function lines(text: string): string {
  return text.split('\n').map(printable).join('\n       ')
}

function summary({ seen, findings }: CheckReport): string {
  const looked = [
    seen.config,
    seen.directory,
    ...(seen.squid === undefined ? [] : [`Squid with ${seen.squid}`]),
    ...seen.servers.map(
      ({ conf, version, files, maps }) =>
        `httpd ${version ?? 'of unknown version'} with ${conf} (${files} files, ${maps} maps asked)`,
    ),
  ]
  const counts = severities.flatMap(severity => {
    const count = findings.filter(one => one.severity === severity).length
    return count === 0 ? [] : `${count} ${severity}${count === 1 ? '' : 's'}`
  })
  return printable(
    `${counts.length === 0 ? 'nothing found' : counts.join(', ')}; looked at ${looked.join(', ')}`,
  )
}
