/** etcd could not do it; the message is one sentence without a secret. */
export class EngineError extends Error {
  readonly kind: 'unreachable' | 'refused' | 'unsure'

  /**
   * @param kind unreachable: no member could do it now; refused: it will not be done
   *   until an administrator changes something; unsure: it may be done later
   */
  constructor(kind: EngineError['kind'], message: string) {
    super(message)
    this.name = 'EngineError'
    this.kind = kind
  }
}
