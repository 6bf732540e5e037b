// The kind of light probe that a block of settings selects, and the keys that
// do not fit it. A backend's own kind replaces the common one. Pure.
import { describeValue } from '../text/describe.ts'
import type { Path, Problem } from './problem.ts'

type Block = Readonly<Record<string, unknown>>

const kinds = ['tcp', 'ask', 'command'] as const
/** keys that only a request for a page needs */
const pageKeys = ['path', 'method', 'status', 'body'] as const

/**
 * Whether a block selects the kind of light probe; `tcp: false` selects a page.
 */
export function decidesKind(block: Block): boolean {
  return kinds.some(kind => block[kind] !== undefined)
}

/**
 * The keys of one block of probe settings that do not fit together.
 *
 * @param path the path of the block
 * @param common the block for all backends; {} for that block itself
 */
export function kindProblems(
  path: Path,
  block: Block,
  common: Block,
): Problem[] {
  const [kind, ...others] = named(block)
  const ruling = kind ?? (decidesKind(block) ? undefined : named(common)[0])
  const leaveOut = (key: string, why: string): Problem => ({
    path: [...path, key],
    rule: `must be left out ${why}, got ${describeValue(block[key])}`,
  })
  const tooMany = others.map(other =>
    leaveOut(other, `next to probe.${kind}: a light probe is of one kind`),
  )
  if (ruling === undefined) return tooMany
  const why =
    kind === undefined
      ? `while probe.${ruling} holds for all backends and asks for no page ("tcp: false" next to it asks for one)`
      : `next to probe.${ruling}, which asks for no page`
  return [
    ...tooMany,
    ...pageKeys
      .filter(key => block[key] !== undefined)
      .map(key => leaveOut(key, why)),
  ]
}

function named(block: Block): string[] {
  return kinds.filter(
    kind => block[kind] !== undefined && block[kind] !== false,
  )
}
