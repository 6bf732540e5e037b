import t from 'tap'
import {
  parseBuild,
  parseCompiledIn,
  parseDump,
} from '../../../check/httpd-dumps.ts'

void t.test('-V', t => {
  t.strictSame(
    parseBuild(`Server version: Apache/2.4.71 (Debian)
 -D HTTPD_ROOT="/etc/apache2"
 -D SERVER_CONFIG_FILE="apache2.conf"`),
    {
      version: '2.4.71',
      root: '/etc/apache2',
      confFile: '/etc/apache2/apache2.conf',
    },
  )
  t.equal(parseBuild('-D SERVER_CONFIG_FILE="/x.conf"').confFile, '/x.conf')
  t.strictSame(parseBuild('something else'), {
    version: undefined,
    root: '/',
    confFile: '//',
  })
  t.end()
})

void t.test('-l', t => {
  t.strictSame(
    parseCompiledIn('Compiled in modules:\n  core.c\n  mod_so.c\n'),
    ['core.c', 'mod_so.c'],
  )
  t.end()
})

void t.test('the dumps', t => {
  t.strictSame(
    parseDump(`Included configuration files:
  (*) /etc/httpd.conf
    (14) /etc/conf.d/x.conf
VirtualHost configuration:
*:80                   is a NameVirtualHost
         default server a (/etc/httpd.conf:9)
         port 80 namevhost a (/etc/httpd.conf:9)
*:81                   c (/etc/httpd.conf:16)
ServerRoot: "/etc"
Main ErrorLog: "syslog"
Mutex default: dir="/run/" mechanism=default
Mutex rewrite-map: dir="" mechanism=posixsem
PidFile: "/run/httpd.pid"
Define: DUMP_VHOSTS
Define: FOO=bar
User: name="www-data" id=33
Loaded Modules:
 core_module (static)
 rewrite_module (shared)
`),
    {
      modules: ['core_module', 'rewrite_module'],
      files: ['/etc/httpd.conf', '/etc/conf.d/x.conf'],
      hosts: ['/etc/httpd.conf:9', '/etc/httpd.conf:16'],
      errorLog: 'syslog',
      pidFile: '/run/httpd.pid',
      defines: ['DUMP_VHOSTS', 'FOO=bar'],
      user: 'www-data',
      mapMutex: 'posixsem',
    },
  )
  t.end()
})
