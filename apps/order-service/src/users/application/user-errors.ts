export class EmailTakenError extends Error {
  readonly code = 'EMAIL_TAKEN';
  constructor() {
    super('this e-mail address belongs to another account');
    this.name = 'EmailTakenError';
  }
}

export class UserNotFoundError extends Error {
  readonly code = 'USER_NOT_FOUND';
  constructor() {
    super('there is no such user');
    this.name = 'UserNotFoundError';
  }
}

/** Unknown address and wrong password are not told apart. */
export class InvalidCredentialsError extends Error {
  readonly code = 'INVALID_CREDENTIALS';
  constructor() {
    super('e-mail address or password is wrong');
    this.name = 'InvalidCredentialsError';
  }
}
