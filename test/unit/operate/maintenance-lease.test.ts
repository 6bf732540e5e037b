import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { parseAdminNote } from '../../../sentinels/content.ts'
import { MaintenanceLease } from '../../../operate/maintenance-lease.ts'

void t.test('it has an author and a reason, and expires by itself', t => {
  const directory = t.testdir({})
  const file = `${directory}/zope1.maint`
  const hold = new MaintenanceLease(directory, 'zope1', 'jim')
  t.notOk(hold.isOurs())
  const before = Date.now()
  hold.take('restart: waiting')
  const { value } = parseAdminNote(readFileSync(file, 'utf8'))
  t.match(value, { by: 'jim', reason: 'restart: waiting' })
  t.ok(Number(value.until) >= before + 60_000, 'a minute')
  t.ok(hold.sinceMs >= before && hold.sinceMs <= Date.now())
  hold.setReason('restart: the command runs')
  t.match(readFileSync(file, 'utf8'), 'reason: restart: the command runs\n')
  hold.check()
  hold.leave('restart: stopped')
  t.equal(readFileSync(file, 'utf8'), 'by: jim\nreason: restart: stopped\n')
  hold.release()
  t.strictSame(readdirSync(directory), [])
  t.end()
})

void t.test('a file changed by others is left alone', t => {
  const directory = t.testdir({})
  const file = `${directory}/zope1.maint`
  const hold = new MaintenanceLease(directory, 'zope1', 'jim')
  hold.take('restart: waiting')
  writeFileSync(file, 'by: joe\n')
  t.notOk(hold.isOurs())
  t.throws(() => hold.check(), { message: /zope1.maint was changed/ })
  hold.setReason('restart: the command runs')
  hold.leave('restart: stopped')
  hold.release()
  t.equal(readFileSync(file, 'utf8'), 'by: joe\n')
  rmSync(file)
  hold.release()
  t.throws(() => hold.check(), { message: /was changed/ })
  t.end()
})

void t.test('an unused lease removes nothing', t => {
  const directory = t.testdir({ 'zope1.maint': '' })
  const hold = new MaintenanceLease(directory, 'zope1', 'jim')
  t.notOk(hold.isTaken)
  hold.setReason('restart: the command runs')
  hold.leave('restart: stopped')
  hold.release()
  t.equal(readFileSync(`${directory}/zope1.maint`, 'utf8'), '')
  t.end()
})

void t.test('a failed write has a remedy', t => {
  const hold = new MaintenanceLease(`${t.testdir({})}/gone`, 'zope1', 'jim')
  t.throws(() => hold.take('restart: waiting'), {
    message: /zope1.maint could not be changed \(ENOENT\); create it, or start/,
  })
  t.end()
})
