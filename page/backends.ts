// The table of the backends on the status page. Pure.
import type { ProbeRecord } from '../sentinels/reports.ts'
import { toneOf } from './events.ts'
import { sparklineOf, stateStrip, stripOf } from './history.ts'
import { html, nothing, type Html } from './html.ts'
import type { Minutes } from './state-history.ts'
import { timeElement } from './time-element.ts'
import type { BackendStatus, PoolStatus } from '../status/report.ts'
import type { Fragments } from './page-template.ts'

/** Shown with the word, so that color is not needed. */
export const glyphs = { good: '●', warn: '▲', bad: '✕', note: '○' }

/** The data of the charts, by backend. */
export type Pictures = {
  readonly probes: ReadonlyMap<string, readonly ProbeRecord[]>
  readonly minutes: ReadonlyMap<string, Minutes>
}

const columns = 6

/**
 * On a site with many backends, those of the same pools are grouped under a heading.
 *
 * @param backends in the order of the configuration
 */
export function backendTable(
  backends: readonly BackendStatus[],
  pools: readonly PoolStatus[],
  pictures: Pictures,
  fragments: Fragments,
): Html {
  const byPools = groupsOf(backends, pools)
  // headings for only one or two backends are noise
  const isGrouped = byPools.size > 1 && byPools.size * 3 <= backends.length
  const groups = isGrouped ? byPools : new Map([['', backends]])
  return html`<table class="backends" role="table">
    <caption>
      Backends
    </caption>
    <thead role="rowgroup">
      <tr role="row">
        <th role="columnheader" scope="col" class="c-name">Backend</th>
        <th role="columnheader" scope="col" class="c-state">State</th>
        <th role="columnheader" scope="col" class="c-share">Share</th>
        <th role="columnheader" scope="col" class="c-hour">Last hour</th>
        <th role="columnheader" scope="col" class="c-probes">Last probes</th>
        <th role="columnheader" scope="col" class="c-why">Reason, notes</th>
      </tr>
    </thead>
    ${[...groups].map(
      ([label, members]) =>
        html`<tbody role="rowgroup">
          ${
            groups.size === 1
              ? nothing
              : html`<tr role="row" class="group">
                  <th role="rowheader" scope="rowgroup" colspan="${columns}">
                    ${label} <span class="dim">${members.length}</span>
                  </th>
                </tr>`
          }${members.map(backend => backendRow(backend, pictures, fragments))}
        </tbody>`,
    )}
  </table> `
}

/** By the names of their pools, in order of first appearance. */
function groupsOf(
  backends: readonly BackendStatus[],
  pools: readonly PoolStatus[],
): ReadonlyMap<string, readonly BackendStatus[]> {
  const poolsOf = new Map<string, string[]>()
  for (const { name, members } of pools)
    for (const member of members)
      poolsOf.set(member.name, [...(poolsOf.get(member.name) ?? []), name])
  const groups = new Map<string, BackendStatus[]>()
  for (const backend of backends) {
    const label = poolsOf.get(backend.name)?.join(', ') ?? 'in no pool'
    const group = groups.get(label)
    if (group === undefined) groups.set(label, [backend])
    else group.push(backend)
  }
  return groups
}

function backendRow(
  backend: BackendStatus,
  pictures: Pictures,
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
      cell('c-share', 'Share', shareOf(backend.share)),
      cell('c-hour', 'Last hour', stateStrip(pictures.minutes.get(name) ?? [])),
      cell(
        'c-probes',
        'Last probes',
        probesOf(pictures.probes.get(name) ?? []),
      ),
      cell('c-why', 'Reason', reasonOf(backend)),
    ]}
  </tr> `
}

/** Response times above, outcomes below, on one time axis. */
function probesOf(probes: readonly ProbeRecord[]): Html {
  return probes.length === 0
    ? stripOf(probes)
    : html`${sparklineOf(probes)}${stripOf(probes)}`
}

function stateOf({ state, since, admin }: BackendStatus): Html {
  const tone = toneOf(state)
  return html`<span class="state ${tone}"
      ><i aria-hidden="true">${glyphs[tone]}</i> ${state}</span
    >${admin.map(({ kind }) => html` <span class="admin">${kind}</span>`)}
    ${since === null ? nothing : timeElement(since, 'since')}`
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
  return html`${admin.map(note => html`<span class="note"><b>${note.kind}</b>${note.by === null ? nothing : html` by ${note.by}`}${note.until === null ? nothing : html` ${timeElement(note.until, 'until')}`}${note.reason === null ? nothing : html`: ${note.reason}`}</span> `)}<span
      class="reason"
      >${reason ?? 'not judged yet'}</span
    >`
}
