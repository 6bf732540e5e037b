import t from 'tap'
import { actionDialog } from '../../../page/dialog.ts'

void t.test(
  'every action with its description; nothing is submitted automatically',
  t => {
    const { html } = actionDialog
    for (const action of ['drain', 'maint', 'force', 'ready'])
      t.match(html, `value="${action}"`)
    t.match(html, 'treat as up whatever the probes say')
    t.match(html, '<form method="dialog"')
    t.notMatch(html, /style=|\son\w+=|\ssrc=/)
    t.end()
  },
)
