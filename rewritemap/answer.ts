// From a line to its answer. Pure except for its own memory: the current table,
// the round-robin state, the counts.
import {
  choose,
  chooseNext,
  newRoundRobin,
  type RoundRobin,
} from '../choice/choose.ts'
import type { Dialect, Lookup } from './dialect.ts'
import { staleReport, PipeSync } from './pipe-sync.ts'
import type { Table } from '../choice/table.ts'

/** The indexes in the array of totals. */
export const total = {
  lookups: 0,
  /** malformed, too long, or for an unknown pool */
  malformed: 1,
  /** well-formed, but no backend was usable */
  unanswered: 2,
  /** bugs caught here */
  faults: 3,
  /** left unanswered to drain one stale answer from the pipe (pipe-sync.ts) */
  outOfStep: 4,
  length: 5,
} as const

/** An answer that depends on pool and route alone, decided once per table. */
type CachedAnswer = {
  /** without the nonce, with the newline */
  readonly answer: string
  readonly backend: number
}

/** Visitors can invent routes, so the cache is bounded. */
const maxCached = 1_000

export class Answerer {
  readonly #dialect: Dialect
  #table: Table
  /** by pool */
  readonly #roundRobins = new Map<string, RoundRobin>()
  readonly #totals: Float64Array
  #answers: Float64Array
  /** by question, until the next table */
  readonly #cache = new Map<string, CachedAnswer>()
  readonly #isLockStep: boolean
  readonly #pipeSync = new PipeSync()

  /**
   * @param dialect how the program on the other end writes questions and reads
   *   answers
   * @param totals where lookups are counted, `total.length` numbers
   * @param answers where answers are counted, by the backend's index in the
   *   configuration
   * @param isLockStep behind httpd, which reads each answer before it asks
   *   again: only then may a line stay unanswered (pipe-sync.ts)
   */
  constructor(
    dialect: Dialect,
    table: Table,
    totals: Float64Array,
    answers: Float64Array,
    isLockStep: boolean,
  ) {
    this.#isLockStep = isLockStep
    this.#dialect = dialect
    this.#table = table
    this.#totals = totals
    this.#answers = answers
  }

  get table(): Table {
    return this.#table
  }

  /**
   * Answers all further lookups from this table.
   *
   * @param answers only when the configuration has changed: the new counters;
   *   they start from the current counts of its backends
   */
  take(table: Table, answers?: Float64Array): void {
    if (answers !== undefined) {
      const oldIndexes = indexesOf(this.#table)
      for (const [name, index] of indexesOf(table))
        answers[index] = this.#answers[oldIndexes.get(name) ?? -1] ?? 0
      this.#answers = answers
      for (const pool of this.#roundRobins.keys())
        if (!table.pools.has(pool)) this.#roundRobins.delete(pool)
    }
    this.#table = table
    this.#cache.clear()
  }

  /**
   * One line -> one answer with its newline, whatever happens: an exception
   * here would make httpd wait forever. Returns '' only behind httpd, and only
   * when the pipe is proved to hold an unread answer.
   */
  answer(line: string): string {
    count(this.#totals, total.lookups)
    try {
      const nonce = this.#dialect.nonceOf(line)
      const question = this.#dialect.questionOf(line, nonce)
      const cached = this.#cache.get(question)
      if (cached !== undefined) {
        count(this.#answers, cached.backend)
        this.#pipeSync.answered(nonce)
        return nonce === null ? cached.answer : nonce + cached.answer
      }
      const lookup = this.#dialect.parse(line)
      if (
        this.#isLockStep &&
        lookup.kind === 'lookup' &&
        lookup.pool === staleReport
      )
        return this.#resync(lookup.nonce, lookup.route)
      const answer = this.#decide(line, lookup, question)
      this.#pipeSync.answered(lookup.nonce)
      return answer
    } catch {
      this.noteFault()
      this.#pipeSync.answered(null)
      return this.#dialect.fault(line)
    }
  }

  /** The answer has no nonce, so that it cannot be taken for the question's. */
  #resync(nonce: string | null, other: string | null): string {
    if (this.#pipeSync.omits(nonce, other)) {
      count(this.#totals, total.outOfStep)
      return ''
    }
    this.#pipeSync.answered(null)
    return 'NULL\n'
  }

  /** Counts a caught bug; the other thread logs it. */
  noteFault(): void {
    count(this.#totals, total.faults)
  }

  #decide(line: string, lookup: Lookup, question: string): string {
    const pool =
      lookup.kind === 'lookup' ? this.#table.pools.get(lookup.pool) : undefined
    if (lookup.kind === 'malformed' || pool === undefined) {
      count(this.#totals, total.malformed)
      return this.#dialect.noOpinion(lookup.nonce)
    }
    const { nonce, route, affinity } = lookup
    const roundRobin = this.#roundRobins.get(pool.name) ?? newRoundRobin
    const decision = choose(pool, route, affinity, roundRobin)
    if (decision.kind === 'nobody') {
      count(this.#totals, total.unanswered)
      return this.#dialect.none(nonce)
    }
    const { member } = decision
    const next = this.#dialect.namesNext
      ? chooseNext(pool, member, route, affinity, decision.roundRobin)
      : null
    const answer = this.#dialect.format(
      line,
      lookup,
      member,
      next?.kind === 'backend' ? next.member : null,
    )
    if (answer === null) {
      count(this.#totals, total.malformed)
      return this.#dialect.noOpinion(nonce)
    }
    if (decision.roundRobin !== roundRobin)
      this.#roundRobins.set(pool.name, decision.roundRobin)
    count(this.#answers, member.backend)
    if (
      question !== '' &&
      isSettled(decision) &&
      (next === null || isSettled(next)) &&
      this.#cache.size < maxCached
    )
      this.#cache.set(question, {
        answer: answer.slice(nonce?.length ?? 0),
        backend: member.backend,
      })
    return answer
  }
}

/** Depends neither on the round robin nor on the affinity key. */
function isSettled(decision: ReturnType<typeof choose>): boolean {
  return (
    decision.kind === 'nobody' ||
    decision.way === 'only' ||
    decision.way === 'route'
  )
}

function count(counts: Float64Array, index: number): void {
  counts[index] = (counts[index] ?? 0) + 1
}

/** Each backend's index in the configuration. */
function indexesOf(table: Table): Map<string, number> {
  return new Map(
    [...table.pools.values()].flatMap(({ members }) =>
      members.map(({ name, backend }): [string, number] => [name, backend]),
    ),
  )
}
