import { ForbiddenException, UnauthorizedException, BadRequestException } from '@nestjs/common';

export const noSession = () =>
  new UnauthorizedException({
    code: 'UNAUTHENTICATED',
    detail: 'log in at POST /v1/sessions and send the token as "Authorization: Bearer TOKEN"',
  });

export const wrongRole = () =>
  new ForbiddenException({ code: 'FORBIDDEN', detail: 'only an administrator may do this' });

export const foreignOrigin = () =>
  new ForbiddenException({
    code: 'FOREIGN_ORIGIN',
    detail: 'a request with the session cookie must come from a page of this site',
  });

export const malformed = (detail: string, errors?: { field: string; message: string }[]) =>
  new BadRequestException({ code: 'MALFORMED', detail, ...(errors && { errors }) });
