// The files that `apache-conf` generated: are they up to date? Pure.
import type { HttpdFacts } from '../facts.ts'
import type { Finding } from '../finding.ts'
import { logicalLines } from '../httpd-text.ts'

/**
 * Version and command from the head of a generated file; undefined: not
 * a generated file.
 */
export function generatedHead(
  text: string,
): { version: string; command: string } | undefined {
  const head = text.split('\n', 40).join('\n')
  const [, version = ''] = /^# .*\bzope-failover (\d\S*)/m.exec(head) ?? []
  const [, command] = /^#\s+(zope-failover apache-conf .*)$/m.exec(head) ?? []
  return command === undefined ? undefined : { version, command }
}

/** The words of that command, which is quoted for a shell, with ' only. */
export function commandWords(command: string): string[] {
  return [...command.matchAll(/(?:'[^']*'|\\'|[^\s'])+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|\\(')/g, '$1$2'),
  )
}

/**
 * A generated text without the balancers for pairs of backends, whose number grows
 * with the square: 30,000 lines for 100 backends. In an up-to-date text they add nothing to the
 * balancers for one backend. Line numbers stay.
 */
export function withoutPairs(text: string): string {
  return text.replaceAll(
    /^(?:BalancerMember|ProxySet) balancer:\/\/z[fp]\.[^. ]+\.[^. ]+ .*$/gm,
    '',
  )
}

/** The files that match what would be generated now, apart from comments. */
export function generatedSet({ generated }: HttpdFacts): ReadonlySet<string> {
  return new Set(
    generated
      .filter(
        ({ text, fresh }) =>
          fresh.kind === 'text' && difference(text, fresh.text) === undefined,
      )
      .map(({ file }) => file),
  )
}

/** The first line that differs, as it is and as it would be. */
function difference(
  text: string,
  fresh: string,
): { is: string; wouldBe: string } | undefined {
  // the usual case, and a file for 100 backends has 50,000 lines
  if (text === fresh) return undefined
  const now = logicalLines(text)
  const then = logicalLines(fresh)
  for (let at = 0; at < Math.max(now.length, then.length); at++) {
    const is = now[at]?.text ?? '(nothing)'
    const wouldBe = then[at]?.text ?? '(nothing)'
    if (is !== wouldBe) return { is, wouldBe }
  }
  return undefined
}

export function generatedFindings({
  generated,
  reload,
}: HttpdFacts): Finding[] {
  return generated.flatMap((made): Finding[] => {
    const remedy = `see what differs: ${made.command} | diff ${made.file} -\ngenerate it again: ${made.command} > ${made.file}\nand reload: ${reload}`
    if (made.fresh.kind === 'refused')
      return [
        {
          code: 'generated-refused',
          severity: 'error',
          what: `${made.file} can no longer be generated: ${made.fresh.why}`,
          why: 'the configuration it was generated from has changed since',
          remedy: `generate it again with options that fit the configuration; it was generated with: ${made.command}`,
          where: made.file,
        },
      ]
    const other = difference(made.text, made.fresh.text)
    if (other === undefined) return []
    const lines = `it says "${short(other.is)}" where it would say "${short(other.wouldBe)}"`
    return [
      made.isNewer
        ? {
            code: 'generated-edited',
            severity: 'warning',
            what: `${made.file} differs from what ${made.version} generated, and is newer than the configuration: ${lines}`,
            why: 'manual edits are lost when the file is generated again, and they are untested',
            remedy,
            where: made.file,
          }
        : {
            code: 'generated-stale',
            severity: 'warning',
            what: `${made.file} is older than the configuration: ${lines}`,
            why: 'httpd does not know the current backends, pools or programs; an answer of the map program that names a new backend is ignored',
            remedy,
            where: made.file,
          },
    ]
  })
}

function short(text: string): string {
  return text.length > 120 ? `${text.slice(0, 117)}…` : text
}
