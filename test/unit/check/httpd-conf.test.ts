import t from 'tap'
import {
  compareVersions,
  moduleName,
  parseHttpdConf,
} from '../../../check/httpd-conf.ts'
import { parsed } from './facts.ts'

/** What is left of a configuration, one line a directive. */
function left(conf: string, others?: Record<string, string>): string[] {
  return parsed(conf, others).directives.map(({ name, args }) =>
    [name, ...args].join(' '),
  )
}

void t.test('directives, with their sections, file and line', t => {
  const { directives, sections, files, modules, serverRoot, problems } = parsed(
    `ServerRoot /srv
LoadModule ssl_module mod_ssl.so
<VirtualHost *:80 *:8080>
  ServerName "a b"
  <Location />
    RewriteRule "^\\S \\1" x
  </Location>
  Include other.conf
</VirtualHost>
<IfModule mod_ssl.c>
  <Directory /x>
  </Directory>
</IfModule>
Listen
<Open`,
    { '/srv/other.conf': 'A 1\nB 2' },
  )
  t.strictSame(
    directives.map(({ name, args, file, line, sections: around }) => [
      name,
      args,
      file,
      line,
      around.map(section => `${section.name} ${section.args.join(' ')}`),
    ]),
    [
      ['serverroot', ['/srv'], '/etc/httpd.conf', 1, []],
      ['loadmodule', ['ssl_module', 'mod_ssl.so'], '/etc/httpd.conf', 2, []],
      [
        'servername',
        ['a b'],
        '/etc/httpd.conf',
        4,
        ['virtualhost *:80 *:8080'],
      ],
      [
        'rewriterule',
        ['^\\S \\1', 'x'],
        '/etc/httpd.conf',
        6,
        ['virtualhost *:80 *:8080', 'location /'],
      ],
      ['a', ['1'], '/srv/other.conf', 1, ['virtualhost *:80 *:8080']],
      ['b', ['2'], '/srv/other.conf', 2, ['virtualhost *:80 *:8080']],
      ['listen', [], '/etc/httpd.conf', 14, []],
    ],
  )
  t.strictSame(
    sections.map(({ name }) => name),
    ['virtualhost', 'location', 'directory', 'open'],
  )
  t.strictSame(files, ['/etc/httpd.conf', '/srv/other.conf'])
  t.ok(modules.has('ssl_module'))
  t.equal(serverRoot, '/srv')
  t.strictSame(problems, [])
  t.end()
})

void t.test('what is included', t => {
  const others = { '/etc/d/a.conf': 'A', '/etc/d/b.conf': 'B' }
  t.strictSame(left('Include d/*\nC', others), ['a', 'b', 'c'])
  t.strictSame(left('IncludeOptional none\nInclude none/*\nC'), ['c'])
  t.strictSame(parsed('IncludeOptional none').problems, [])
  t.strictSame(parsed('A\nInclude none.conf').problems, [
    {
      file: '/etc/httpd.conf',
      line: 2,
      text: '/etc/none.conf does not exist, or is not accessible',
    },
  ])
  const { problems } = parsed('Include /etc/httpd.conf')
  t.match(problems, [{ text: 'files or macros include each other' }])
  const missing = parseHttpdConf(
    '/x',
    { read: () => undefined, list: () => [] },
    {
      serverRoot: '/',
      modules: [],
      defines: {},
      environment: {},
      version: undefined,
    },
  )
  t.match(missing.problems, [{ text: '/x cannot be read', line: 0 }])
  t.end()
})

void t.test('conditions', t => {
  const cases: readonly (readonly [string, boolean])[] = [
    ['IfModule core.c', true],
    ['IfModule core_module', true],
    ['IfModule !core_module', false],
    ['IfModule mod_ssl.c', false],
    ['IfModule !mod_ssl.c', true],
    ['IfDefine GIVEN', true],
    ['IfDefine NOT_GIVEN', false],
    ['IfDefine', false],
    ['IfVersion 2.4.71', true],
    ['IfVersion = 2.4', false],
    ['IfVersion == 2.4.71', true],
    ['IfVersion >= 2.4', true],
    ['IfVersion >= 2.4.71', true],
    ['IfVersion >= 2.5', false],
    ['IfVersion > 2.4.70', true],
    ['IfVersion < 2.4', false],
    ['IfVersion <= 2.4.71', true],
    ['IfVersion !< 2.4', true],
    ['IfVersion /^2\\.4/', true],
    ['IfVersion ~ ^2\\.2', false],
    ['IfFile /etc/httpd.conf', true],
    ['IfFile /etc/none', false],
    ['IfDirective Listen', true],
    ['IfSection !Macro', false],
  ]
  for (const [condition, isKept] of cases) {
    const name = condition.split(' ')[0]
    t.strictSame(
      left(`Define GIVEN\n<${condition}>\n<X y>\nA\n</X>\n</${name}>\nB`),
      isKept ? ['define GIVEN', 'a', 'b'] : ['define GIVEN', 'b'],
      condition,
    )
  }
  t.strictSame(
    left('<IfDefine A>\n<IfDefine B>\nX\n</IfDefine>\nX\n</IfDefine>\nY'),
    ['y'],
    'nested',
  )
  t.strictSame(left('<IfDefine A>\nX'), [], 'never closed')
  const old = parseHttpdConf(
    '/x',
    { read: () => '<IfVersion < 1>\nA\n</IfVersion>', list: () => [] },
    {
      serverRoot: '/',
      modules: [],
      defines: {},
      environment: {},
      version: undefined,
    },
  )
  t.equal(old.directives.length, 1, 'an unknown version keeps everything')
  t.end()
})

void t.test('maps whose file is not there', t => {
  const { absentMaps } = parsed(
    '<IfFile "/run/x.map">\nRewriteMap a rnd:/run/x.map\nRewriteMap\nA b\n</IfFile>\n<IfFile /etc/httpd.conf>\nRewriteMap c txt:/x\n</IfFile>\n<IfDefine X>\nRewriteMap d txt:/x\n</IfDefine>',
  )
  t.strictSame([...absentMaps], [['a', '/run/x.map']])
  t.end()
})

void t.test('variables', t => {
  t.strictSame(
    left('Define A 1\nX ${A} ${HOME} ${zope:key} "${A}b"\nUnDefine A'),
    ['define A 1', 'x 1 /root ${zope:key} 1b', 'undefine A'],
  )
  t.match(parsed('X ${NONE}').problems, [{ text: '${NONE} is not defined' }])
  t.end()
})

void t.test('macros', t => {
  const conf = `<Macro Host $name $names>
  <VirtualHost $names>
    ServerName $name
  </VirtualHost>
</Macro>
Use host a *:80
Use host b`
  t.strictSame(left(conf), ['servername a', 'servername b'])
  t.strictSame(
    parsed(conf).sections.map(({ args, line }) => [...args, line]),
    [['*:80', 6], [7]],
  )
  t.match(parsed('Use none').problems, [{ text: 'Use none: no such Macro' }])
  t.match(parsed('Use').problems, [{ text: /^Use : no such/ }])
  t.strictSame(left('<Macro>\nA\n</Macro>\nUse ""'), ['a'])
  t.strictSame(left('A\n<IfModule mod_ssl.c>\nB'), ['a'], 'without its end')
  t.end()
})

void t.test('names and versions', t => {
  t.equal(moduleName('prefork.c'), 'mpm_prefork_module')
  t.equal(moduleName('mod_proxy_http.c'), 'proxy_http_module')
  t.ok(compareVersions('2.4.9', '2.4.10') < 0)
  t.equal(compareVersions('2.4', '2.4.0'), 0)
  t.ok(compareVersions('2.5', '2.4.99') > 0)
  t.end()
})
