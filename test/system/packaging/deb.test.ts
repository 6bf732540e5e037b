// The Debian package: lintian, installation, an upgrade under load, removal. In a
// private root; systemd is stood in for (test/fixtures/systemctl.sh), so the restart
// that postinst asks systemd for is typed here.
import { execFileSync } from 'node:child_process'
import t, { type Test } from 'tap'
import { checkout, publicDirectory, until } from '../../../lab/processes.ts'
import { noPrivateRoot, startPrivateRoot } from '../../fixtures/private-root.ts'
import type { Shell } from '../../fixtures/shell.ts'

void t.test(
  'the package from its build to its removal',
  {
    skip: noPrivateRoot,
  },
  async t => {
    const directory = publicDirectory(t)
    execFileSync('sh', ['packaging/deb.sh', directory], { cwd: checkout })
    const shell = startPrivateRoot(t, directory)
    const deb = `${directory}/zope-failover_0.1.0-1_all.deb`

    await typed(t, shell, 'apt-get update -qq')
    await typed(
      t,
      shell,
      'apt-get install -y -qq --no-install-recommends lintian apache2',
    )
    t.notMatch(
      await typed(t, shell, `lintian --allow-root --fail-on error ${deb}`),
      /^E:/m,
    )
    await typed(t, shell, `apt-get install -y ${deb}`)
    shell.exit()

    t.match(await typed(t, shell, 'zope-failover --version'), '0.1.0')
    t.match(await typed(t, shell, 'id zope-failover'), 'zope-failover')
    await typed(
      t,
      shell,
      'systemd-analyze verify /lib/systemd/system/zope-failover-monitor.service',
    )
    await typed(t, shell, 'test -s /usr/share/man/man1/zope-failover.1.gz')
    await typed(
      t,
      shell,
      'a2enconf -q zope-failover-server && apachectl configtest',
    )

    await startSite(t, shell)
    await shell.type('visits 0.02 >/tmp/visits & visitor=$!')
    const count = async (): Promise<number> =>
      Number((await shell.type('wc -l < /tmp/visits')).output)
    const more = async (wanted: number): Promise<void> => {
      const before = await count()
      await until(
        `${wanted} visits`,
        async () => (await count()) >= before + wanted,
      )
    }
    await more(20)
    await typed(t, shell, `dpkg -i ${deb}`)
    await more(20)
    await typed(t, shell, 'systemctl restart zope-failover-monitor')
    await more(20)
    await typed(t, shell, 'apachectl graceful')
    await more(20)
    await shell.type('kill $visitor; wait $visitor')
    const { output } = await shell.type("grep -vc '^200 zope' /tmp/visits")
    t.equal(output.trim(), '0', 'no request was lost')

    await typed(
      t,
      shell,
      'apachectl stop; monitor=$(cat /run/zope-failover-monitor.pid); kill $monitor; while kill -0 $monitor 2>/dev/null; do sleep 0.05; done',
    )
    await typed(t, shell, 'dpkg --remove zope-failover')
    await typed(t, shell, 'test ! -e /usr/bin/zope-failover')
    await typed(t, shell, 'test -e /etc/zope-failover.yaml')
    await typed(t, shell, 'dpkg --purge zope-failover')
    await typed(t, shell, 'test ! -e /run/zope-failover')
    await typed(t, shell, 'test ! -e /usr/lib/zope-failover')
  },
)

/** Debian's apache2, two stand-in Zopes, the monitor and the map program. */
async function startSite(t: Test, shell: Shell): Promise<void> {
  await shell.type(`visits() {
  exec node -e '
    const http = require("http")
    const ask = () => {
      let text = ""
      http.get({ host: "127.0.0.1", headers: { host: "www.example.org" } }, answer => {
        answer.on("data", data => (text += data))
        answer.on("end", () => { console.log(answer.statusCode, text); setTimeout(ask, process.argv[1] * 1000) })
      }).on("error", err => { console.log(err.message); setTimeout(ask, 100) })
    }
    ask()' "$1"
}`)
  for (const [name, port] of [
    ['zope1', 8080],
    ['zope2', 8081],
  ] as const)
    await shell.type(
      `node -e 'require("http").createServer((_, answer) => answer.end("${name}")).listen(${port}, "127.0.0.1")' &`,
    )
  await typed(
    t,
    shell,
    `printf 'backends: { zope1: "http://127.0.0.1:8080", zope2: "http://127.0.0.1:8081" }\\n' > /etc/zope-failover.yaml`,
  )
  await typed(t, shell, 'systemctl enable --now zope-failover-monitor')
  await typed(
    t,
    shell,
    'a2enmod -q rewrite proxy proxy_http proxy_balancer lbmethod_byrequests slotmem_shm headers unique_id filter sed',
  )
  await typed(
    t,
    shell,
    'zope-failover apache-conf --map-user zope-failover --url http://www.example.org --output /etc/apache2/zope-failover.conf',
  )
  await typed(
    t,
    shell,
    `printf '<VirtualHost *:80>\\nServerName www.example.org\\nInclude /etc/apache2/zope-failover.conf\\n</VirtualHost>\\n' > /etc/apache2/sites-available/zope.conf && a2dissite -q 000-default && a2ensite -q zope && apachectl start`,
  )
  await until('the map program is in use', async () =>
    /^map.*: alive/m.test((await shell.type('zope-failover status')).output),
  )
}

/** What it printed; it must have ended with 0. */
async function typed(t: Test, shell: Shell, command: string): Promise<string> {
  const { code, output } = await shell.type(command)
  if (!t.equal(code, 0, command)) t.comment(output)
  return output
}
