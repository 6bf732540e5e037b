// Builds HTML from untrusted text. Pure: everything that is not Html already is
// escaped, so that no caller can forget it.
import { printable } from '../text/printable.ts'

/** Markup, as opposed to a text. */
export type Html = { readonly html: string }

type Part = Html | string | number | readonly Html[]

/**
 * A template whose values are escaped, unless they are Html.
 *
 * @example html`<b>${'<'}</b>`.html // '<b>&lt;</b>'
 */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  return {
    html: String.raw({ raw: shortened(strings) }, ...parts.map(written)),
  }
}

/** Line breaks of the source are only spaces in HTML: not worth sending. */
function shortened(strings: TemplateStringsArray): readonly string[] {
  const known = short.get(strings)
  if (known !== undefined) return known
  const made = strings.map(text =>
    text.replaceAll(/\s*\n\s*/g, ' ').replaceAll(/\s+>/g, '>'),
  )
  short.set(strings, made)
  return made
}

const short = new WeakMap<TemplateStringsArray, readonly string[]>()

export const nothing: Html = { html: '' }

function written(part: Part): string {
  if (typeof part === 'number') return String(part)
  if (typeof part === 'string') return escaped(part)
  return 'html' in part ? part.html : part.map(written).join('')
}

/** For content and for quoted attributes; control characters become visible. */
function escaped(text: string): string {
  return printable(text).replaceAll(
    /[&<>"']/g,
    char => `&#${char.charCodeAt(0)};`,
  )
}
