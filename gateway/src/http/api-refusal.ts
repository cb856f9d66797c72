/** A request to the API that is answered with an error; `code` is stable, the message for people. */
export class ApiRefusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** @returns what to throw for a member or parameter that is not what it must be */
export function badRequest(message: string): ApiRefusal {
  return new ApiRefusal(400, 'bad-request', message);
}
