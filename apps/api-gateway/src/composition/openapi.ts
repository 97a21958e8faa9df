import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, getSchemaPath, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { FieldError, ProblemDto } from '../edge/interface/dto.js';

/** `/docs` and `/docs-json`. */
export function serveOpenApi(app: NestFastifyApplication): void {
  const config = new DocumentBuilder()
    .setTitle('Redstart')
    .setDescription('An order platform. Errors are RFC 9457 problem documents.')
    .setVersion('1')
    .addBearerAuth()
    .addCookieAuth('redstart_session')
    .build();
  SwaggerModule.setup(
    'docs',
    app,
    () => withProblems(SwaggerModule.createDocument(app, config, { extraModels: [ProblemDto, FieldError] })),
    { jsonDocumentUrl: 'docs-json' },
  );
}

const content = { 'application/problem+json': { schema: { $ref: getSchemaPath(ProblemDto) } } };
const retryAfter = { 'Retry-After': { description: 'seconds', schema: { type: 'integer' as const } } };

/** Every route may answer these: in one place, as the filter and the limits that answer them are. */
function withProblems(document: OpenAPIObject): OpenAPIObject {
  for (const path of Object.values(document.paths)) {
    for (const operation of [path.get, path.post, path.put, path.patch, path.delete]) {
      if (!operation) continue;
      operation.responses['400'] = { description: 'malformed', content };
      if (operation.security) operation.responses['401'] = { description: 'no session', content };
      operation.responses['429'] = { description: 'too many requests', headers: retryAfter, content };
      operation.responses['503'] = { description: 'a part is away', headers: retryAfter, content };
      operation.responses['default'] = { description: 'any other problem; see its code', content };
    }
  }
  return document;
}
