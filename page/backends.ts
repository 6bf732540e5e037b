// The table of the backends on the status page. Pure.
import type { ProbeRecord } from '../sentinels/reports.ts'
import { toneOf } from './events.ts'
import { sparklineOf, stripOf } from './history.ts'
import { html, nothing } from './html.ts'
import type { Html } from './html.ts'
import { timeElement } from './time-element.ts'
import type { BackendStatus } from '../status/report.ts'
import type { Fragments } from './page-template.ts'

/** Shown with the word, so that color is not needed. */
const glyphs = { good: '●', warn: '▲', bad: '✕', note: '○' }

/**
 * @param backends in the order of the configuration
 * @param probes by backend
 */
export function backendTable(
  backends: readonly BackendStatus[],
  probes: ReadonlyMap<string, readonly ProbeRecord[]>,
  fragments: Fragments,
): Html {
  return html`<table class="backends" role="table">
    <caption>
      Backends
    </caption>
    <thead role="rowgroup">
      <tr role="row">
        <th role="columnheader" scope="col" class="c-name">Backend</th>
        <th role="columnheader" scope="col" class="c-state">State</th>
        <th role="columnheader" scope="col" class="c-since">Since</th>
        <th role="columnheader" scope="col" class="c-share">Share</th>
        <th role="columnheader" scope="col" class="c-strip">Last probes</th>
        <th role="columnheader" scope="col" class="c-spark">Response</th>
        <th role="columnheader" scope="col" class="c-why">Reason, notes</th>
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${backends.map(backend =>
        backendRow(backend, probes.get(backend.name) ?? [], fragments),
      )}
    </tbody>
  </table> `
}

function backendRow(
  backend: BackendStatus,
  probes: readonly ProbeRecord[],
  fragments: Fragments,
): Html {
  const { name, address } = backend
  const cell = (column: string, label: string, inner: Html): Html =>
    html`<td
      role="cell"
      class="${column}"
      data-label="${label}"
      id="${name}.${column}"
    >
      ${fragments.cell(`${name}.${column}`, inner)}
    </td>`
  return html`<tr role="row">
    <th role="rowheader" scope="row" class="c-name">
      <b>${name}</b> <span class="address">${address}</span>
    </th>
    ${[
      cell('c-state', 'State', stateOf(backend)),
      cell('c-since', 'Since', timeElement(backend.since)),
      cell('c-share', 'Share', shareOf(backend.share)),
      cell('c-strip', 'Probes', stripOf(probes)),
      cell('c-spark', 'Response', sparklineOf(probes)),
      cell('c-why', 'Reason', reasonOf(backend)),
    ]}
  </tr> `
}

function stateOf({ state, admin }: BackendStatus): Html {
  const tone = toneOf(state)
  return html`<span class="state ${tone}"
      ><i aria-hidden="true">${glyphs[tone]}</i> ${state}</span
    >${admin.map(({ kind }) => html` <span class="admin">${kind}</span>`)}`
}

function shareOf(share: number | null): Html {
  if (share === null) return html`<span class="dim">-</span>`
  return html`<span class="percent">${share} %</span
    ><svg
      class="meter"
      aria-hidden="true"
      viewBox="0 0 100 4"
      preserveAspectRatio="none"
    >
      <rect width="100" height="4" class="track"></rect>
      <rect width="${share}" height="4"></rect>
    </svg>`
}

function reasonOf({ admin, reason }: BackendStatus): Html {
  return html`${admin.map(note => html`<span class="note"><b>${note.kind}</b>${note.by === null ? nothing : html` by ${note.by}`}${note.until === null ? nothing : html` until ${timeElement(note.until)}`}${note.reason === null ? nothing : html`: ${note.reason}`}</span> `)}<span
      class="reason"
      >${reason ?? 'not judged yet'}</span
    >`
}
