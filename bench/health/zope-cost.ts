// What a Zope takes for each light probe and for each heartbeat.
import type { Owner } from '../../lab/processes.ts'
import { ask, heartbeat } from '../../lab/zope-client.ts'
import { startZeo } from '../../lab/zeo.ts'
import { startZope } from '../../lab/zope.ts'
import { cpuMsOf } from './processor.ts'
import type { ZopeCost } from './report.ts'

export async function measureZopeCost(
  owner: Owner,
  times: number,
): Promise<ZopeCost[]> {
  const zope = await startZope(owner, {
    zeo: await startZeo(owner),
    name: 'zope',
  })
  const costs: ZopeCost[] = []
  for (const { what, once } of [
    { what: 'light probe (`GET /`)', once: () => ask(`${zope.url}/`) },
    { what: 'deep probe (`@@probe`)', once: () => ask(`${zope.url}/@@probe`) },
    { what: 'heartbeat', once: () => heartbeat(zope.port) },
  ]) {
    // caches are filled first
    for (let count = 0; count < times / 10; count++) await once()
    const [beginMs, cpuBefore] = [performance.now(), cpuMsOf(zope.pid())]
    for (let count = 0; count < times; count++) await once()
    costs.push({
      what,
      times,
      cpuMs: (cpuMsOf(zope.pid()) - cpuBefore) / times,
      tookMs: (performance.now() - beginMs) / times,
    })
  }
  return costs
}
