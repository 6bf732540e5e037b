// Times on the status page: complete and in UTC, so that the page is right without
// a script. The script shows them as ages, by the visitor's clock. Pure.
import { html, type Html } from './html.ts'

/** How the script shows it; `at`: an age, or the time of day in a list of events. */
type TimeForm = 'at' | 'since' | 'until'

const words = { at: '', since: 'since ', until: 'until ' }

/** @param time RFC 3339; null or an invalid time becomes a dash */
export function timeElement(time: string | null, form: TimeForm = 'at'): Html {
  const ms = Date.parse(time ?? '')
  if (Number.isNaN(ms)) return html`<span class="dim">-</span>`
  const iso = new Date(ms).toISOString()
  return html`<time datetime="${iso}" data-form="${form}"
    >${words[form]}${iso.slice(0, 19).replace('T', ' ')} UTC</time
  >`
}
