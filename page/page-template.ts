// A page as a skeleton that rarely changes and cells that do. Two templates with
// the same skeleton differ in cells only, and only these are sent. Pure.
import type { Html } from './html.ts'

export type PageTemplate = {
  /** HTML with a mark for each cell */
  readonly skeleton: string
  /** the inner HTML of the element with that id */
  readonly cells: ReadonlyMap<string, string>
}

/** Never part of an escaped text, so it can delimit the name of a cell. */
const mark = '\0'

/** Collects the cells while the skeleton is written. */
export class Fragments {
  readonly #cells = new Map<string, string>()

  /** To be used as the only content of the element with this id. */
  cell(id: string, inner: Html): Html {
    this.#cells.set(id, inner.html)
    return { html: `${mark}${id}${mark}` }
  }

  template(skeleton: Html): PageTemplate {
    return { skeleton: skeleton.html, cells: this.#cells }
  }
}

/** The whole page as HTML. */
export function fill({ skeleton, cells }: PageTemplate): string {
  return skeleton
    .split(mark)
    .map((part, index) => (index % 2 === 0 ? part : (cells.get(part) ?? '')))
    .join('')
}

/** Inner HTML by the id of its element. */
export type Patch = Readonly<Record<string, string>>

/**
 * The difference between two templates; {} = none. A different skeleton replaces
 * everything inside `root`.
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
