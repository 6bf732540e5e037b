// Why a lookup gets the answer it gets, in words. Runs the map's own code.
import { choose, chooseNext, newRoundRobin } from '../choice/choose.ts'
import type { Decision } from '../choice/choose.ts'
import type {
  Standing,
  Table,
  TableMember,
  TablePool,
} from '../choice/table.ts'

/** What each standing means for newcomers and for those already bound. */
const standingText: Record<Standing, string> = {
  maint: 'in maintenance: no traffic at all',
  drain: 'in drain: no newcomers, bound visitors stay while it is up',
  force: 'forced: treated as up whatever the probes say',
  up: 'up',
  'last-resort': 'up with share 0: only when nothing better is left',
  unknown: 'not yet judged by the monitor: last resort',
  down: 'down',
  'presumed-down':
    'no verdict "up", and the monitor is gone: used when nothing better is left',
}

/**
 * Sentences for a person: who serves, why, who is next, and where each member
 * stands.
 *
 * @param route null = not bound
 * @param affinity null = none
 * @param isText httpd finds this answer in the text map (`isInTextMap`)
 */
export function explain(
  table: Table,
  pool: TablePool,
  route: string | null,
  affinity: string | null,
  isText: boolean,
): string[] {
  const decision = choose(pool, route, affinity, newRoundRobin)
  const lines = [describeDecision(pool, decision, route)]
  if (decision.kind === 'backend') {
    const next = chooseNext(
      pool,
      decision.member,
      route,
      affinity,
      decision.roundRobin,
    )
    lines.push(
      next.kind === 'backend'
        ? `If ${decision.member.name} were gone: ${next.member.name}.`
        : `If ${decision.member.name} were gone: nobody.`,
    )
  }
  lines.push(
    isText
      ? 'With style prg httpd finds this in the text map (via=txt), without asking the map program.'
      : 'With style prg httpd asks the map program (via=map).',
    table.isFresh
      ? 'The monitor is alive: its verdicts count.'
      : 'The monitor is gone: its last verdicts only order the choice.',
  )
  return [...lines, ...pool.members.map(describeMember)]
}

function describeDecision(
  pool: TablePool,
  decision: Decision,
  route: string | null,
): string {
  if (decision.kind === 'nobody')
    return `Nobody: no member of ${pool.name} is usable, the answer is NULL.`
  const { member, way } = decision
  const wayText = {
    route: `the visitor is bound to it`,
    only: `the only one of ${groupText(member)}`,
    affinity: `the affinity key falls to it among ${groupText(member)}`,
    turn: `its turn among ${groupText(member)}`,
  }[way]
  const unbound =
    route === null || way === 'route'
      ? ''
      : pool.members.some(({ name }) => name === route)
        ? ` The visitor is bound to ${route}, but cannot stay there.`
        : ` ${JSON.stringify(route)} is no member of ${pool.name}, so the visitor counts as new.`
  return `${member.name}: ${wayText}.${unbound}`
}

function groupText(member: TableMember): string {
  return member.preference === 0
    ? `tier ${member.tier}`
    : `tier ${member.tier} where nothing better is left`
}

function describeMember(member: TableMember): string {
  return `  ${member.name} (${member.address}), tier ${member.tier}: ${standingText[member.standing]}`
}
