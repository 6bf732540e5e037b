// Which kind of light probe a block of settings names, and what does not go with
// it. Pure. A backend's own kind stands in place of the one for all.
import { describeValue } from '../text/describe.ts'
import type { Path, Problem } from './problem.ts'

type Block = Readonly<Record<string, unknown>>

const kinds = ['tcp', 'ask', 'command'] as const
/** what a request for a page needs, and nothing else */
const pageKeys = ['path', 'method', 'status', 'body'] as const

/** Whether a block says what kind its light probes are; `tcp: false`: of a page. */
export function decidesKind(block: Block): boolean {
  return kinds.some(kind => block[kind] !== undefined)
}

/**
 * What one block of probe settings says that does not go together.
 *
 * @param path the way to the block
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
