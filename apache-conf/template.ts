// Fills the readable .conf templates. {{name}} is a value. {{#name}} … {{/name}}
// is kept while the name is true, or once for each item of a list; {{^name}} …
// {{/name}} while it is not; either on lines of their own or inside one. Pure.
// httpd's own %{…} and ${…} are left alone.

export type Values = {
  readonly [name: string]: string | number | boolean | readonly Values[]
}

const marks =
  /^\{\{([#^])(\w+)\}\}\n([^]*?)^\{\{\/\2\}\}\n|\{\{([#^])(\w+)\}\}(.*?)\{\{\/\5\}\}|\{\{(\w+)\}\}/gm

/**
 * @param template text with the marks above; sections of one name do not nest
 * @param values what the names stand for; an item of a list sees its own names
 *   and then those around it
 * @throws {Error} for a name that stands for nothing: a bug, never input
 */
export function fill(template: string, values: Values): string {
  return template.replace(marks, (_whole, ...found: (string | undefined)[]) => {
    const [blockKind, blockName, block, kind, name, inside, plain] = found
    if (plain !== undefined) {
      const value = valueOf(values, plain)
      return typeof value === 'object' ? '' : String(value)
    }
    // one of the two spellings matched; join leaves the other one out
    const value = valueOf(values, [blockName, name].join(''))
    const inner = [block, inside].join('')
    const items =
      typeof value === 'object'
        ? value
        : value === false || value === ''
          ? []
          : [{}]
    if ([blockKind, kind].join('') === '^')
      return items.length === 0 ? fill(inner, values) : ''
    return items.map(item => fill(inner, { ...values, ...item })).join('')
  })
}

function valueOf(values: Values, name: string): Values[string] {
  const value = values[name]
  if (value === undefined) throw new Error(`template: {{${name}}} has no value`)
  return value
}
