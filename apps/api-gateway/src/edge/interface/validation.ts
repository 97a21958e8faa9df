import { ValidationPipe, type ValidationError } from '@nestjs/common';
import { malformed } from './refusals.js';

/** Bodies and queries by their DTO's class-validator rules; a field that no DTO knows is an error, not ignored. */
export const validationPipe = () =>
  new ValidationPipe({
    whitelist: true,
    forbidNonWhitelisted: true,
    transform: true,
    stopAtFirstError: true,
    exceptionFactory: (errors) =>
      malformed(
        'the request is malformed; see errors',
        errors.flatMap((error) => fields(error)),
      ),
  });

function fields(error: ValidationError, parent = ''): { field: string; message: string }[] {
  const field = parent ? `${parent}.${error.property}` : error.property;
  const own = Object.values(error.constraints ?? {}).map((message) => ({ field, message }));
  return [...own, ...(error.children ?? []).flatMap((child) => fields(child, field))];
}
