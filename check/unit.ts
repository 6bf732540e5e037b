// The settings of systemd unit files that hide directories from a service. Pure.

/**
 * The settings of [Service], the last value of each; an empty value resets
 * it.
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
