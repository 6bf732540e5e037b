import t from 'tap'
import { unitSettings } from '../../../check/unit.ts'

void t.test('the last word of each setting', t => {
  t.strictSame(
    [
      ...unitSettings([
        '[Unit]\nPrivateTmp=no\n[Service]\n# PrivateTmp=no\nPrivateTmp = true\nExecStart=/x \\\n  -y\nnonsense\n',
        '[Service]\nProtectHome=\nPrivateTmp=false',
      ]),
    ],
    [
      ['PrivateTmp', 'false'],
      ['ExecStart', '/x    -y'],
      ['ProtectHome', ''],
    ],
  )
  t.end()
})
