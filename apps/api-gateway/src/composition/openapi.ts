import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

/** `/docs` and `/docs-json`. */
export function serveOpenApi(app: NestFastifyApplication): void {
  const config = new DocumentBuilder()
    .setTitle('Redstart')
    .setDescription('An order platform. Errors are RFC 9457 problem documents.')
    .setVersion('1')
    .addBearerAuth()
    .addCookieAuth('redstart_session')
    .build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, config), { jsonDocumentUrl: 'docs-json' });
}
