// systemd's unit files, as far as they hide places from a service. Pure.

/**
 * The settings of [Service], the last word of each; an empty value takes back
 * what was said.
 *
 * @param texts the unit and its drop-ins, in systemd's order
 */
export function unitSettings(texts: readonly string[]): Map<string, string> {
  const settings = new Map<string, string>()
  for (const text of texts) {
    let section = ''
    for (const raw of text.replaceAll('\\\n', ' ').split('\n')) {
      const line = raw.trim()
      if (/^[#;]/.test(line)) continue
      section = /^\[(.*)\]$/.exec(line)?.[1] ?? section
      const [, key, value = ''] = /^(\w+)\s*=\s*(.*)$/.exec(line) ?? []
      if (key !== undefined && section === 'Service') settings.set(key, value)
    }
  }
  return settings
}
