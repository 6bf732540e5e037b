// Fills the readable .conf templates. {{name}} is a value. {{#name}} … {{/name}}
// is kept if the name is true, or once for each item of a list; {{^name}} …
// {{/name}} if it is not; either on separate lines or inside one. Pure.
// httpd's own %{…} and ${…} are left alone.

export type Values = {
  readonly [name: string]: string | number | boolean | readonly Values[]
}

const marks =
  /^\{\{([#^])(\w+)\}\}\n([^]*?)^\{\{\/\2\}\}\n|\{\{([#^])(\w+)\}\}(.*?)\{\{\/\5\}\}|\{\{(\w+)\}\}/gm

type Part =
  /** literal text */
  | string
  | { readonly kind: 'value'; readonly name: string }
  | {
      readonly kind: '#' | '^'
      readonly name: string
      readonly parts: readonly Part[]
    }

/**
 * @param template text with the marks above; sections of the same name do not nest
 * @param values the values of the names; an item of a list sees its own names
 *   first, then the outer ones
 * @throws {Error} for an unknown name: a bug, never input
 */
export function fill(template: string, values: Values): string {
  return write(partsOf(template), [values])
}

/** Once for a section, not for each item: 100 backends give 10,000 items. */
function partsOf(template: string): Part[] {
  const parts: Part[] = []
  let end = 0
  for (const found of template.matchAll(marks)) {
    const [whole, blockKind, blockName, block, kind, name, inside, plain] =
      found
    parts.push(template.slice(end, found.index))
    end = found.index + whole.length
    parts.push(
      plain === undefined
        ? {
            // only one of the two spellings matched; join skips the other one
            kind: [blockKind, kind].join('') === '^' ? '^' : '#',
            name: [blockName, name].join(''),
            parts: partsOf([block, inside].join('')),
          }
        : { kind: 'value', name: plain },
    )
  }
  return [...parts, template.slice(end)]
}

/** @param scopes the innermost first */
function write(parts: readonly Part[], scopes: readonly Values[]): string {
  let text = ''
  for (const part of parts) {
    if (typeof part === 'string') {
      text += part
      continue
    }
    const value = valueOf(scopes, part.name)
    if (part.kind === 'value') {
      text += typeof value === 'object' ? '' : String(value)
      continue
    }
    const items =
      typeof value === 'object'
        ? value
        : value === false || value === ''
          ? []
          : [{}]
    if (part.kind === '#')
      for (const item of items) text += write(part.parts, [item, ...scopes])
    else if (items.length === 0) text += write(part.parts, scopes)
  }
  return text
}

function valueOf(scopes: readonly Values[], name: string): Values[string] {
  for (const values of scopes) {
    const value = values[name]
    if (value !== undefined) return value
  }
  throw new Error(`template: {{${name}}} has no value`)
}
