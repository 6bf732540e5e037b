/** It did not work, and the message says all a person needs: exit code 1. */
export class CommandError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Failure'
  }
}

/** What was asked for does not exist: exit code 2, as for any wrong usage. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'WrongUsage'
  }
}
