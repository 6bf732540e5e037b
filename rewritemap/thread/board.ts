// What the two threads of the map program share: the part of the table that
// changes from second to second, and the counts. Messages would pile up while
// no lookups come (the answering thread sleeps in its read) and delay the first
// answer after a quiet night. Here only the newest state exists: reading it
// costs the same after a second as after a week.
import {
  preferences,
  standings,
  type Preference,
  type Standing,
  type Table,
  type TableMember,
} from '../../choice/table.ts'

export type Board = {
  /** version (odd while it is being written), isFresh, then the members */
  readonly cells: Int32Array<SharedArrayBuffer>
  /**
   * answers by the backend's index in the configuration, and for each by kind;
   * written by the answering thread
   */
  readonly answers: Float64Array<SharedArrayBuffer>
}

const [versionCell, freshCell, firstMemberCell] = [0, 1, 2]

/**
 * A board for tables of this configuration, with nothing published yet.
 *
 * @param kinds how many kinds of answers are counted apart
 */
export function newBoard(table: Table, kinds = 1): Board {
  const members = [...table.pools.values()].flatMap(pool => pool.members)
  const backends = Math.max(-1, ...members.map(member => member.backend)) + 1
  return {
    cells: sharedInt32Array(firstMemberCell + members.length),
    answers: sharedFloat64Array(backends * kinds),
  }
}

export function sharedInt32Array(length: number): Board['cells'] {
  return new Int32Array(
    new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT),
  )
}

export function sharedFloat64Array(length: number): Board['answers'] {
  return new Float64Array(
    new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT),
  )
}

/**
 * @param table one of the configuration the board was made for
 * @returns whether it differs from the previous one
 */
export function publish({ cells }: Board, table: Table): boolean {
  const words = [table.isFresh ? 1 : 0]
  for (const { members } of table.pools.values())
    for (const member of members) words.push(pack(member))
  const isSame = words.every(
    (word, index) => Atomics.load(cells, freshCell + index) === word,
  )
  const version = Atomics.load(cells, versionCell)
  // on a new board nothing has been published
  if (isSame && version > 0) return false
  Atomics.store(cells, versionCell, version + 1)
  for (const [index, word] of words.entries())
    Atomics.store(cells, freshCell + index, word)
  Atomics.store(cells, versionCell, version + 2)
  return true
}

/**
 * The newest published table; undefined when it has been read already, or while
 * it is being written: a lookup does not wait.
 *
 * @param table the current table, or any of the same configuration
 * @param taken its version; 0 = not from the board
 */
export function newest(
  { cells }: Board,
  table: Table,
  taken: number,
): { readonly table: Table; readonly version: number } | undefined {
  const version = Atomics.load(cells, versionCell)
  if (version === taken || version % 2 !== 0) return undefined
  const words: number[] = []
  for (let cell = freshCell; cell < cells.length; cell++)
    words.push(Atomics.load(cells, cell))
  if (Atomics.load(cells, versionCell) !== version) return undefined
  const [isFresh, ...memberWords] = words
  let next = 0
  const pools = new Map(table.pools)
  for (const pool of table.pools.values()) {
    // keep unchanged members: usually one of 20,000 changes
    const members = pool.members.map(member =>
      unpack(member, memberWords[next++]),
    )
    if (members.some((member, index) => member !== pool.members[index]))
      pools.set(pool.name, { ...pool, members })
  }
  return { table: { pools, isFresh: isFresh === 1 }, version }
}

/** 256 * 100 % fits in 15 bits. */
const weightBits = 15

function pack(member: TableMember): number {
  return (
    Math.round(member.weight * 100) |
    (standings.indexOf(member.standing) << weightBits) |
    ((member.preference ?? 7) << (weightBits + 3)) |
    (Number(member.keepsSession) << (weightBits + 6)) |
    (Number(member.isLastResort) << (weightBits + 7)) |
    (member.share << (weightBits + 8))
  )
}

function unpack(member: TableMember, word: number | undefined): TableMember {
  if (word === undefined || word === pack(member)) return member
  const bits = (from: number, count: number): number =>
    (word >>> from) & ((1 << count) - 1)
  return {
    ...member,
    weight: bits(0, weightBits) / 100,
    // eslint-disable-next-line typescript/no-unsafe-type-assertion -- the bits were an index of it
    standing: standings[bits(weightBits, 3)] as Standing,
    preference: preferenceOf(bits(weightBits + 3, 3)),
    keepsSession: bits(weightBits + 6, 1) === 1,
    isLastResort: bits(weightBits + 7, 1) === 1,
    share: bits(weightBits + 8, 7),
  }
}

function preferenceOf(bits: number): Preference | null {
  return Object.values(preferences).find(value => value === bits) ?? null
}
