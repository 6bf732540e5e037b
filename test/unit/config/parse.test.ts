import t from 'tap'
import type { Config } from '../../../config/config.ts'
import { parseConfig } from '../../../config/parse.ts'
import { ConfigError } from '../../../config/problem.ts'

function parse(text: string): Config {
  return parseConfig(text, 'f.yaml')
}

/** Every problem of a text, without the name of the file. */
function problemsOf(text: string): readonly string[] {
  try {
    parse(text)
    return []
  } catch (err) {
    if (!(err instanceof ConfigError)) throw err
    return err.problems.map(problem => problem.replace(/^f\.yaml:?/, ''))
  }
}

const oneBackend = 'backends: { zope1: http://h:1 }\n'

const urlRule =
  'must be http://HOST:PORT or https://HOST:PORT, PORT from 1 to 65535, without user, path or query'
const nameRule =
  'must be a name: a lowercase letter, then up to 31 lowercase letters, digits or "-"'

void t.test('a key that has another name now', t => {
  t.strictSame(problemsOf(`${oneBackend}probe: { cutLoose: true }\n`), [
    '2: probe.cutLoose is now called dropConnections: rename it',
  ])
  t.strictSame(
    problemsOf(
      `${oneBackend}probe: { busyFor: 60s }\nmap: { url: http://127.0.0.1/.zope-failover/map, commandEvery: 10m }\nnotify: { command: 'true', least: critical, group: 5s, repeat: 1h }\n`,
    ),
    [
      '2: probe.busyFor is now called busyTimeout: rename it',
      '3: map.commandEvery is now called commandInterval: rename it',
      '4: notify.least is now called minSeverity: rename it',
      '4: notify.group is now called groupWait: rename it',
      '4: notify.repeat is now called repeatInterval: rename it',
    ],
  )
  t.match(problemsOf(`${oneBackend}cutLoose: true\n`), [/is not a known key/])
  t.end()
})

void t.test(
  'each rule has its message, with the line and what was found',
  t => {
    for (const [title, text, ...expected] of [
      [
        'an empty file',
        '',
        ' the file is empty: it must be a mapping with at least the key "backends"',
      ],
      [
        'a file of comments',
        '# later\n',
        ' the file is empty: it must be a mapping with at least the key "backends"',
      ],
      [
        'a list',
        '- zope1\n',
        ' the file must be a mapping with at least the key "backends", got ["zope1"]',
      ],
      [
        'no backends',
        'directory: /tmp\n',
        ' backends is missing: it must be a mapping with at least one backend',
      ],
      [
        'no backends, and more',
        'directory: run\n',
        ' backends is missing: it must be a mapping with at least one backend',
        '1: directory must be an absolute path without control characters, got "run"',
      ],
      [
        'an empty mapping of backends',
        'backends: {}\n',
        '1: backends must be a mapping with at least one backend, got {}',
      ],
      [
        'backends with nothing below',
        'backends:\n',
        '1: backends must be a mapping with at least one backend, got nothing',
      ],
      [
        'a forgotten space after a colon',
        'backends:\n  zope1:http://u:secret@h\n',
        '1: backends must be a mapping with at least one backend, got "zope1:http://…@h"; after the ":" of a key there must be a space',
      ],
      [
        'a backend without url',
        'backends:\n  zope1:\n    probe: {}\n',
        `2: backends.zope1.url is missing: it ${urlRule}`,
      ],
      [
        'a backend that is a number',
        'backends: { zope1: 8080 }\n',
        '1: backends.zope1 must be a URL or a mapping with url, got 8080',
      ],
      [
        'a URL that is none, in the short form',
        'backends:\n  zope1: 10.0.0.11:8080\n',
        `2: backends.zope1 ${urlRule}, got "10.0.0.11:8080"`,
      ],
      [
        'a URL that is none, in the long form',
        'backends:\n  zope1:\n    url: 8080\n',
        `3: backends.zope1.url ${urlRule}, got 8080`,
      ],
      [
        'a name with a capital letter',
        'backends: { Zope1: http://h:1 }\n',
        `1: backends.Zope1 ${nameRule}`,
      ],
      [
        'a pool name with a dot',
        `${oneBackend}pools: { a.b: {} }\n`,
        `2: pools.a.b ${nameRule}`,
      ],
      [
        'a key in the wrong place',
        `${oneBackend}interval: 5s\n`,
        '2: interval is not a known key; known here: directory, staleAfter, backends, pools, probe, map, httpd, status, notify, icp, front, agent, cluster',
      ],
      [
        'a key that is gone',
        `${oneBackend}hook: { command: mail me }\n`,
        '2: hook is gone: notify.command reports to people, and "zope-failover follow" runs a command at each change; remove it',
      ],
      [
        'a webhook that is none: it may be a secret',
        `${oneBackend}notify:\n  webhook: htps://h/s3cret\n  headers: { a: [s3cret] }\n`,
        '3: notify.webhook must be an http or https URL, got something else (not shown: it may be a secret)',
        '4: notify.headers.a must be a mapping of HTTP header names to texts without control characters, got something else (not shown: it may be a secret)',
      ],
      [
        'a token in the place of its file',
        `${oneBackend}status: { tokenFile: s3cret }\n`,
        '2: status.tokenFile must be the absolute path of a file that holds a token, such as /etc/zope-failover.token, got something else (not shown: it may be a secret)',
      ],
      [
        'one in the place of the mapping',
        `${oneBackend}notify: 'https://h/s3cret'\n`,
        '2: notify must be a mapping with webhook or command, got something else (not shown: it may be a secret); after the ":" of a key there must be a space',
      ],
      [
        'a mistyped key',
        `${oneBackend}probe:\n  path: /\n  intervall: 5s\n`,
        '4: probe.intervall is not a known key; did you mean "interval"?',
      ],
      [
        'a mistyped key with other case',
        `${oneBackend}probe: { connecttimeout: 5s }\n`,
        '2: probe.connecttimeout is not a known key; did you mean "connectTimeout"?',
      ],
      [
        'mistyped keys at every place',
        'backends: { zope1: { url: http://h, prob: {} } }\npools: { default: { polcy: balance, members: [{ name: zope1, wait: 1 }] } }\nprobe: { deep: { path: /, lag: 1s }, heartbeat: { intervall: 1s } }\n',
        '1: backends.zope1.prob is not a known key; did you mean "probe"?',
        '2: pools.default.members[0].wait is not a known key; known here: name, weight, tier',
        '2: pools.default.polcy is not a known key; did you mean "policy"?',
        '3: probe.heartbeat.intervall is not a known key; did you mean "interval"?',
        '3: probe.deep.lag is not a known key; known here: path, interval, timeout, maxLag',
      ],
      [
        'a key given twice',
        'backends:\n  zope1: http://h:1\n  zope1: http://h:2\n',
        '3: backends.zope1 must be given only once, it is already in line 2',
      ],
      [
        'a member that is no backend',
        `${oneBackend}pools:\n  default:\n    members:\n      - zope1\n      - zop1\n`,
        '6: pools.default.members[1] must be the name of a backend, got "zop1"; did you mean "zope1"?',
      ],
      [
        'a member with nothing like its name',
        `${oneBackend}pools: { default: { members: [plone] } }\n`,
        '2: pools.default.members[0] must be the name of a backend, got "plone"; known here: zope1',
      ],
      [
        'a member twice',
        `${oneBackend}pools: { default: { members: [zope1, { name: zope1 }] } }\n`,
        '2: pools.default.members[1] must not name "zope1" a second time in one pool',
      ],
      [
        'members that are no names',
        `${oneBackend}pools: { default: { members: [7, { name: 3 }, { weight: 2 }] } }\n`,
        '2: pools.default.members[0] must be a backend name or a mapping with name, got 7',
        '2: pools.default.members[1].name must be the name of a backend, got 3',
        '2: pools.default.members[2].name is missing: it must be the name of a backend',
      ],
      [
        'members that are no list',
        `${oneBackend}pools: { default: { members: zope1 } }\n`,
        '2: pools.default.members must be a list of at least one backend name, got "zope1"',
      ],
      [
        'no members',
        `${oneBackend}pools: { default: { members: [] } }\n`,
        '2: pools.default.members must be a list of at least one backend name, got []',
      ],
      [
        'a limit beyond the whole probe, reported once for all backends',
        'backends: { a: http://h:1, b: http://h:2 }\nprobe:\n  slow: 9s\n',
        "3: probe.slow must be at most the whole probe's timeout (5s), got 9s",
      ],
      [
        'a limit beyond the whole probe, in one backend',
        'backends:\n  a:\n    url: http://h:1\n    probe:\n      connectTimeout: 9s\n  b: http://h:2\n',
        "5: backends.a.probe.connectTimeout must be at most the whole probe's timeout (5s), got 9s",
      ],
      [
        'a timeout below the limit of all',
        'backends: { a: { url: http://h:1, probe: { timeout: 2s } } }\nprobe: { firstByteTimeout: 3s }\n',
        '1: backends.a.probe.timeout must be at least probe.firstByteTimeout (3s), got 2s',
      ],
      [
        'busy for less than one probe lasts',
        'backends: { a: http://h:1 }\nprobe: { busyTimeout: 4s }\n',
        "2: probe.busyTimeout must be at least the whole probe's timeout (5s), got 4s",
      ],
      [
        'a timeout beyond the busyTimeout of all',
        'backends: { a: { url: http://h:1, probe: { timeout: 30s } } }\nprobe: { busyTimeout: 20s }\n',
        '1: backends.a.probe.timeout must be at most probe.busyTimeout (20s), got 30s',
      ],
      [
        'a body wanted of HEAD',
        `${oneBackend}probe: { method: HEAD, body: OK }\n`,
        '2: probe.body must be left out when the method is HEAD: such an answer has no body',
      ],
      [
        'HEAD in one backend where all have a body',
        'backends: { a: { url: http://h:1, probe: { method: HEAD } } }\nprobe: { body: OK }\n',
        '1: backends.a.probe.method must not be HEAD while probe.body is given: such an answer has no body',
      ],
      [
        'a mistyped key of a question',
        `${oneBackend}probe: { ask: { port: 1, send: a, expected: b } }\n`,
        '2: probe.ask.expect is missing: it must be a text that a line of the answer holds, or a pattern between slashes like /^OK$/',
        '2: probe.ask.expected is not a known key; did you mean "expect"?',
      ],
      [
        'a command that is no list, and one with a number',
        'backends: { a: { url: http://h:1, probe: { command: [/bin/check, 5] } } }\nprobe: { command: /bin/check }\n',
        '1: backends.a.probe.command[1] must be a text without NUL, in quotes if it looks like a number, got 5',
        '2: probe.command must be a list: the absolute path of a program, then its arguments, such as [/usr/local/bin/check-zope, quick], got "/bin/check"',
      ],
      [
        'two kinds of light probes',
        `${oneBackend}probe:\n  tcp: true\n  command: [/bin/check]\n`,
        '4: probe.command must be left out next to probe.tcp: a light probe is of one kind, got ["/bin/check"]',
      ],
      [
        'a page asked for by who is only connected to',
        'backends:\n  a:\n    url: http://h:1\n    probe:\n      tcp: true\n      path: /@@ok\n',
        '6: backends.a.probe.path must be left out next to probe.tcp, which asks for no page, got "/@@ok"',
      ],
      [
        'a page in one backend where all are only connected to',
        'backends:\n  a: { url: http://h:1, probe: { path: /@@ok } }\nprobe: { tcp: true }\n',
        '2: backends.a.probe.path must be left out while probe.tcp holds for all backends and asks for no page ("tcp: false" next to it asks for one), got "/@@ok"',
      ],
    ] as const)
      t.strictSame(problemsOf(text), expected, title)
    t.end()
  },
)

void t.test('all problems are reported at once, from top to bottom', t => {
  const text = [
    'directory: run',
    'staleAfter: 15',
    'backends:',
    '  zope1: http://h:1',
    '  zope1: http://h:2',
    '  Zope2: http://h:1',
    'pools:',
    '  default:',
    '    members: [zope1, zope3]',
    'probe:',
    '  slow: 9s',
    '  rise: 0',
    '  fal: 3',
  ].join('\n')
  t.match(problemsOf(text), [
    /^1: directory must be an absolute path .*, got "run"$/,
    /^2: staleAfter must be a duration from 2s to 1h, .*, got 15$/,
    /^5: backends.zope1 must be given only once/,
    /^6: backends.Zope2 must be a name/,
    /^9: pools.default.members\[1\] must be the name of a backend/,
    /^11: probe.slow must be at most/,
    /^12: probe.rise must be a whole number from 1 to 100, got 0$/,
    /^13: probe.fal is not a known key; did you mean "fall"\?$/,
  ])
  t.equal(problemsOf(text).length, 8)
  t.end()
})

void t.test('a limit that no backend uses is no problem', t => {
  t.strictSame(
    problemsOf(
      'backends: { a: { url: http://h:1, probe: { timeout: 10s } } }\nprobe: { slow: 9s }\n',
    ),
    [],
  )
  t.end()
})

void t.test('a backend may be called like a property of every object', t => {
  const config = parse(
    'backends: { constructor: http://h:1 }\npools: { default: { members: [constructor] } }\n',
  )
  t.equal(config.pools[0]?.members[0]?.name, 'constructor')
  t.strictSame(problemsOf(`${oneBackend}probe: { deep: constructor }\n`), [
    '2: probe.deep must be a mapping with path, interval, timeout, maxLag, got "constructor"',
  ])
  t.end()
})

void t.test('a byte order mark and Windows line ends do no harm', t => {
  const plain = parse(`${oneBackend}staleAfter: 20s\n`)
  const windows = `\uFEFF${oneBackend}staleAfter: 20s\n`.replaceAll(
    '\n',
    '\r\n',
  )
  t.strictSame(parse(windows), plain)
  t.strictSame(problemsOf(windows.replace('20s', '20')), [
    '2: staleAfter must be a duration from 2s to 1h, written like 250ms, 2s, 5m or 1h, got 20',
  ])
  t.end()
})

void t.test('for a text that is not YAML nothing else is reported', t => {
  t.strictSame(problemsOf('backends:\n\tzope1: http://h:1\n'), [
    '2: the file must be YAML: Tabs are not allowed as indentation',
  ])
  t.end()
})

void t.test('a large file is checked in one go', t => {
  const count = 5_000
  const text = `backends:\n${Array.from({ length: count }, (_, i) => `  zope${i}: http://10.0.0.1:8080\n`).join('')}pools:\n  default:\n    members: [${Array.from({ length: count }, (_, i) => `zope${i}`).join(', ')}]\n`
  t.equal(parse(text).pools[0]?.members.length, count)
  const bad = problemsOf(text.replaceAll(':8080', ':x'))
  t.equal(
    bad.length,
    101,
    'a hundred problems are reported, and that there are more',
  )
  t.match(bad.at(-1), /there are more problems; these are the first 100$/)
  const strangers = problemsOf(text.replaceAll(/, zope(?=\d)/g, ', zop'))
  t.equal(strangers.length, 101, 'each is compared with all names')
  t.match(
    problemsOf(text.replace('backends:\n', 'backends:\n  one: http://a\n')),
    [/^1: backends must be at most 5000, got 5001; split/],
  )
  t.end()
})

const withFront = (text: string, pools = '') =>
  `backends: { zope1: http://a }\n${pools}front: { ${text} }\n`

void t.test('the front', t => {
  for (const [text, problems] of [
    ['', []],
    ['pool: www', [/front\.pool must be the name of a pool, got "www"/]],
    ['pool: 5', [/must be the name of a pool/]],
    ['minScore: 60', [/front\.minScore must be 50 or 100, got 60/]],
    ['intervall: 1s', [/did you mean "interval"/]],
    ['url: "http://[::1]:81/x?y"', []],
    ['url: "https://localhost/"', []],
    ...[
      'http://www.example.org/',
      'http://user@127.0.0.1/',
      'http://:p@127.0.0.1/',
      'http://127.0.0.1',
      'http://127.0.0.1/#x',
      'http://127.0.0.1:99999/',
      'ftp://127.0.0.1/',
    ].map(
      url =>
        [
          `url: "${url}"`,
          [/front\.url must be a URL of httpd or Squid on this machine/],
        ] as const,
    ),
  ] as const)
    t.match(problemsOf(withFront(text)), problems, text)
  t.match(problemsOf(withFront('', 'pools: { www: {} }\n')), [
    /front\.pool must be the name of a pool, got "default"/,
  ])
  t.match(problemsOf('backends: { zope1: http://a }\nfront:\n'), [
    /front must be a mapping/,
  ])
  t.end()
})

void t.test('reserved names, and the addresses of ICP', t => {
  const backends = 'backends: { zope1: http://a, zope2: http://b }\n'
  const icp = (text: string) => `${backends}icp: { ${text} }\n`
  t.match(problemsOf('backends: { none: http://a, front: http://b }'), [
    /backends\.none must have another name/,
    /backends\.front must have another name/,
  ])
  for (const [text, problems] of [
    ['listen: { zope1: "127.0.0.1:3131", zope2: "[::1]:3131" }', []],
    ['listen: { zope1: "10.0.0.1:1" }, allow: [10.0.0.0/24]', []],
    ['listen: { zope1: "10.0.0.1:1" }', [/must be a loopback address unless/]],
    [
      'listen: { zope1: "10.0.0.1:1" }, allow: []',
      [/must be a loopback address unless/],
    ],
    [
      'listen: { zope3: "127.0.0.1:1" }',
      [/must be the name of a backend, got "zope3"/],
    ],
    [
      'listen: { zope1: "127.0.0.1:1", zope2: "127.0.0.1:1" }',
      [/must be a unique address/],
    ],
    [
      'listen: { zope1: "127.0.0.1:1" }, pool: www',
      [/must be the name of a pool, got "www"/],
    ],
  ] as const)
    t.match(problemsOf(icp(text)), problems, text)
  t.match(
    problemsOf(
      `${icp('listen: { zope1: "127.0.0.1:1" }')}pools: { www: {} }\n`,
    ),
    [/icp\.pool must be the name of a pool, got "default"/],
  )
  t.match(problemsOf(icp('listen: { zope1: nowhere }, pool: 5')), [/./, /./])
  t.end()
})

const ofCluster = (text: string) =>
  problemsOf(`${oneBackend}cluster: { ${text} }\n`)

void t.test('keys of the cluster that belong together', t => {
  const tls = 'etcd: [https://10.0.0.1:2379]'
  t.strictSame(ofCluster(tls), [])
  t.strictSame(ofCluster(`${tls}, ca: /c, cert: /c, key: /k`), [])
  t.match(ofCluster(`${tls}, cert: /c`), [
    /cluster\.cert must come with cluster\.key/,
  ])
  t.match(ofCluster(`${tls}, key: /c`), [
    /cluster\.key must come with cluster\.cert/,
  ])
  t.match(ofCluster(`${tls}, user: u`), [
    /cluster\.user must come with cluster\.passwordFile/,
  ])
  t.match(ofCluster('etcd: [http://127.0.0.1:1], ca: /c'), [
    /cluster\.ca must be left out without an https:\/\/ address/,
  ])
  // perhaps the password itself
  const [shown = ''] = ofCluster(`${tls}, user: u, passwordFile: hunter2`)
  t.match(shown, /got something else \(not shown: it may be a secret\)/)
  t.notMatch(shown, 'hunter2')
  t.match(ofCluster('etcd: 5, ca: /c'), [/must be a list of client addresses/])
  t.end()
})
