// The sockets that systemd opens for a service and keeps over its restarts. Pure.

/** systemd passes descriptors from this one on (sd_listen_fds(3)). */
const firstDescriptor = 3

/**
 * @param environment LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES, as sd_listen_fds(3)
 *   has them; they can also be those of a parent
 * @returns a descriptor for each name (`FileDescriptorName=` of the socket unit); of
 *   two with one name the last
 */
export function inheritedSockets(
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): ReadonlyMap<string, number> {
  const { LISTEN_PID, LISTEN_FDS = '', LISTEN_FDNAMES = '' } = environment
  if (LISTEN_PID !== String(pid)) return new Map()
  const names = LISTEN_FDNAMES.split(':')
  return new Map(
    Array.from({ length: Number(LISTEN_FDS) }, (_, index) => [
      names[index] ?? '',
      firstDescriptor + index,
    ]),
  )
}
