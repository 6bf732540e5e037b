import t from 'tap'
import type { LookupTimes } from '../../../bench/lookups.ts'
import {
  report,
  stickyName,
  targets,
  type Results,
} from '../../../bench/report.ts'

function times(name: string, p50Us: number, p999Us: number): LookupTimes {
  const round = { perSecond: 1e6 / p50Us, p50Us, p99Us: 2 * p50Us, p999Us }
  return {
    program: { name, directory: '/nowhere', argv: [] },
    rounds: [round, round, round],
    changes: 9,
  }
}

function results(map: LookupTimes, tookMs: number, moreMs: number): Results {
  const cMap = times('C map', 10, 100)
  return {
    lookups: { times: [map, cMap], cMap, lookupsPerRound: 5 },
    requests: [
      {
        site: { name: 'no map', map: undefined },
        perSecond: [200, 100, 300],
        failed: 0,
      },
      {
        site: { name: 'this map', map: map.program },
        perSecond: [100, 50, 150],
        failed: 2,
      },
      {
        site: { name: stickyName, map: map.program },
        perSecond: [200, 100, 300].map(it => (it * (115 - moreMs / 2)) / 100),
        failed: 0,
      },
    ],
    sentinel: [{ name: 'this map', tookMs: [1, tookMs, 2] }],
    coldStart: { mapMs: [50 + moreMs, 50 + moreMs], bareNodeMs: [50, 50] },
    memory: { lookups: 1000, residentMb: tookMs * 5, peakMb: 90 },
  }
}

const verdicts = (given: Results): string[] =>
  targets(given).map(({ verdict }) => verdict)

void t.test('each target is met or missed by its own figure', async t => {
  t.same(verdicts(results(times('this map', 11, 150), 15, 60)), [
    ...['met', 'met', 'met', 'met', 'met', 'met'],
  ])
  t.same(verdicts(results(times('this map', 12, 160), 20, 61)), [
    ...['missed', 'missed', 'missed', 'missed', 'missed', 'missed'],
  ])
})

void t.test('without a C map its two targets are not measured', async t => {
  const map = times('this map', 11, 150)
  t.same(
    verdicts({
      lookups: { times: [map], cMap: undefined, lookupsPerRound: 5 },
    }),
    ['not measured', 'not measured'],
  )
})

void t.test('a section that was not asked for is left out', async t => {
  const text = report({
    memory: { lookups: 5, residentMb: 70, peakMb: 71 },
  })
  t.match(text, /### Resident memory/)
  t.notMatch(text, /### Lookups|### Requests|cold start/)
})

void t.test('Squid: helper and responder', async t => {
  const c = times('C helper', 10, 100)
  const squid = [
    { inFlight: 1, times: [times('this helper', 16, 100), c] },
    { inFlight: 100, times: [times('this helper', 10, 100), c] },
  ]
  const icp = { name: 'this responder', queries: 4, changes: 2, tookMs: [1, 2] }
  t.same(verdicts({ squid, icp: [{ ...icp, lost: 0 }] }), [
    ...['met', 'met', 'met', 'met'],
  ])
  t.same(
    verdicts({
      squid: [
        { inFlight: 1, times: [times('this helper', 17, 100), c] },
        { inFlight: 100, times: [times('this helper', 11, 100), c] },
      ],
      icp: [{ ...icp, lost: 1, tookMs: [50] }],
    }),
    ['missed', 'missed', 'missed', 'missed'],
  )
  const text = report({ squid, icp: [{ ...icp, lost: 2 }] })
  t.match(text, '| this helper | 100 | 10000000 | 10.0 | 20.0 | 1.00 × | 9 |')
  t.match(text, '| this responder | 4 | 2 | 2 | 1.00 | 2.00 | 2.00 |')
})

void t.test('the report is Markdown with every figure in it', async t => {
  t.equal(
    report(results(times('this map', 11, 160), 15, 60)),
    `### Lookups through pipes

| program | lookups/s | p50 µs | p99 µs | p99.9 µs | p50 to C | p99.9 to C | changes |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| this map | 90909 | 11.0 | 22.0 | 160.0 | 1.10 × | 1.60 × | 9 |
| C map | 100000 | 10.0 | 20.0 | 100.0 | 1.00 × | 1.00 × | 9 |

One asker, answers read byte by byte, the table flipping 20 times a second (changes: answers that differed from the one before); medians of 3 alternating rounds of 5 lookups each.

### Requests through httpd

| httpd with | requests/s | to no map | failed |
| --- | ---: | ---: | ---: |
| no map | 200 | 1.00 × | 0 |
| this map | 100 | 0.50 × | 2 |
| this map, with a cookie | 170 | 0.85 × | 0 |

A tiny static file, 32 kept-alive connections; medians of 3 alternating rounds.

### From a sentinel's change to the first changed answer

| program | changes | p50 ms | p99 ms | longest ms |
| --- | ---: | ---: | ---: | ---: |
| this map | 3 | 2.00 | 15.0 | 15.0 |

### From a cold start to the first answer

| starts | first answer ms | \`node -e 0\` ms | difference ms |
| --- | ---: | ---: | ---: |
| 2 | 110.0 | 50.0 | 60.0 |

### Resident memory of the map

| lookups | resident MB | peak MB |
| --- | ---: | ---: |
| 1000 | 75.0 | 90.0 |

### Targets

- **met**: p50 of a lookup: 1.100 × the C map (at most 1.1 ×)
- **missed**: p99.9 of a lookup: 1.600 × the C map (at most 1.5 ×)
- **met**: requests with a cookie: 0.850 × no map (at least 0.85 ×)
- **met**: sentinel's change seen, p99: 15.0 ms (under 20 ms)
- **met**: first answer after a cold start: 60.0 ms more than bare node (within 60 ms)
- **met**: resident memory: 75.0 MB (under 80 MB)
`,
  )
})
