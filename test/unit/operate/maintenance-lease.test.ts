import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { parseAdminNote } from '../../../sentinels/content.ts'
import { MaintenanceLease } from '../../../operate/maintenance-lease.ts'

void t.test('it says who and why, and ends by itself', t => {
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

void t.test('what somebody else has changed is his', t => {
  const directory = t.testdir({})
  const file = `${directory}/zope1.maint`
  const hold = new MaintenanceLease(directory, 'zope1', 'jim')
  hold.take('restart: waiting')
  writeFileSync(file, 'by: joe\n')
  t.notOk(hold.isOurs())
  t.throws(() => hold.check(), { message: /somebody has changed zope1.maint/ })
  hold.setReason('restart: the command runs')
  hold.leave('restart: stopped')
  hold.release()
  t.equal(readFileSync(file, 'utf8'), 'by: joe\n')
  rmSync(file)
  hold.release()
  t.throws(() => hold.check(), { message: /somebody has changed/ })
  t.end()
})

void t.test('one that never took anything takes nothing away', t => {
  const directory = t.testdir({ 'zope1.maint': '' })
  const hold = new MaintenanceLease(directory, 'zope1', 'jim')
  t.notOk(hold.isTaken)
  hold.setReason('restart: the command runs')
  hold.leave('restart: stopped')
  hold.release()
  t.equal(readFileSync(`${directory}/zope1.maint`, 'utf8'), '')
  t.end()
})

void t.test('what cannot be written says what to do', t => {
  const hold = new MaintenanceLease(`${t.testdir({})}/gone`, 'zope1', 'jim')
  t.throws(() => hold.take('restart: waiting'), {
    message: /zope1.maint could not be changed \(ENOENT\); create it, or start/,
  })
  t.end()
})
