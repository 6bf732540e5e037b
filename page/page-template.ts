// A page as a skeleton that hardly ever changes, and cells that do. Two sheets
// with one skeleton differ in cells only, and just these are sent. Pure.
import type { Html } from './html.ts'

export type PageTemplate = {
  /** HTML with a mark for each cell */
  readonly skeleton: string
  /** the inner HTML of the element with that id */
  readonly cells: ReadonlyMap<string, string>
}

/** No escaped text holds it, so it can stand around the name of a cell. */
const mark = '\0'

/** Collects cells while their skeleton is written. */
export class Fragments {
  readonly #cells = new Map<string, string>()

  /** To stand as the only content of the element with this id. */
  cell(id: string, inner: Html): Html {
    this.#cells.set(id, inner.html)
    return { html: `${mark}${id}${mark}` }
  }

  sheet(skeleton: Html): PageTemplate {
    return { skeleton: skeleton.html, cells: this.#cells }
  }
}

/** The whole sheet as HTML. */
export function fill({ skeleton, cells }: PageTemplate): string {
  return skeleton
    .split(mark)
    .map((part, index) => (index % 2 === 0 ? part : (cells.get(part) ?? '')))
    .join('')
}

/** Inner HTML by the id of its element. */
export type Patch = Readonly<Record<string, string>>

/**
 * What turns the one into the other; {} = nothing does. Another skeleton
 * replaces everything inside `root`.
 */
export function patchBetween(
  before: PageTemplate,
  after: PageTemplate,
  root: string,
): Patch {
  if (before.skeleton !== after.skeleton) return { [root]: fill(after) }
  return Object.fromEntries(
    [...after.cells].filter(([id, inner]) => before.cells.get(id) !== inner),
  )
}
