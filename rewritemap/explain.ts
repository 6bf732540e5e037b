// Why a lookup gets its answer, in words. Runs the map program's own code.
import {
  choose,
  chooseNext,
  newRoundRobin,
  type Decision,
} from '../choice/choose.ts'
import type {
  Standing,
  Table,
  TableMember,
  TablePool,
} from '../choice/table.ts'

/** What each standing means for new visitors and for sticky ones. */
const standingText: Record<Standing, string> = {
  maint: 'in maintenance: no traffic at all',
  drain: 'in drain: no new visitors, sticky visitors stay while it is up',
  force: 'forced: treated as up, whatever the probes say',
  up: 'up',
  'last-resort': 'up with share 0: only when nothing better is left',
  unknown: 'not yet judged by the monitor: used as a last resort',
  down: 'down',
  'presumed-down':
    'no verdict "up", and the monitor is gone: used when nothing better is left',
}

/**
 * Sentences for a person: which backend serves, why, which one is next, and the
 * standing of each member.
 *
 * @param route null = a new visitor
 * @param affinity null = none
 * @param isText httpd reads this answer from the text map (`isInTextMap`)
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
        ? `If ${decision.member.name} failed: ${next.member.name}.`
        : `If ${decision.member.name} failed: none.`,
    )
  }
  lines.push(
    isText
      ? 'With style prg httpd reads this answer from the text map (via=txt) and does not ask the map program.'
      : 'With style prg httpd asks the map program (via=map).',
    table.isFresh
      ? 'The monitor is alive: its verdicts are used.'
      : 'The monitor is gone: its last verdicts serve only as a preference.',
  )
  return [...lines, ...pool.members.map(describeMember)]
}

function describeDecision(
  pool: TablePool,
  decision: Decision,
  route: string | null,
): string {
  if (decision.kind === 'nobody')
    return `None: no member of ${pool.name} is usable, the answer is NULL.`
  const { member, way } = decision
  const wayText = {
    route: `the visitor's session is on it`,
    only: `the only candidate in ${groupText(member)}`,
    affinity: `the affinity key selects it in ${groupText(member)}`,
    turn: `its turn in ${groupText(member)}`,
  }[way]
  const whyNotRoute =
    route === null || way === 'route'
      ? ''
      : pool.members.some(({ name }) => name === route)
        ? ` The visitor's session is on ${route}, but cannot stay there.`
        : ` ${JSON.stringify(route)} is not a member of ${pool.name}, so the visitor counts as new.`
  return `${member.name}: ${wayText}.${whyNotRoute}`
}

function groupText(member: TableMember): string {
  return member.preference === 0
    ? `tier ${member.tier}`
    : `tier ${member.tier}, where nothing better is left`
}

function describeMember(member: TableMember): string {
  return `  ${member.name} (${member.address}), tier ${member.tier}: ${standingText[member.standing]}`
}
