// Times on the status page: complete and in UTC, so that the page is right without
// a script. The script shows them as ages, by the visitor's clock. Pure.
import { html } from './html.ts'
import type { Html } from './html.ts'

/** @param time RFC 3339; null or an invalid time becomes a dash */
export function timeElement(time: string | null): Html {
  const ms = Date.parse(time ?? '')
  if (Number.isNaN(ms)) return html`<span class="dim">-</span>`
  const iso = new Date(ms).toISOString()
  return html`<time datetime="${iso}"
    >${iso.slice(0, 19).replace('T', ' ')} UTC</time
  >`
}
