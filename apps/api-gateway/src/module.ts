import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import { Module, type DynamicModule } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import type { SessionUser } from '@redstart/messages';
import { RateLimiter, SessionStore } from '@redstart/ports';
import type { ServiceDefinition } from '@redstart/service-kit';
import { providersOf } from './composition/providers.js';
import { serveOpenApi } from './composition/openapi.js';
import { settingsSchema } from './composition/settings.js';
import { CatalogueController } from './catalogue/interface/catalogue.controller.js';
import { admit } from './edge/interface/admission.js';
import { PlainInputPipe } from './edge/interface/plain-input.pipe.js';
import { validationPipe } from './edge/interface/validation.js';
import { LeaderboardsController } from './leaderboards/interface/leaderboards.controller.js';
import { NotificationsController } from './notifications/interface/notifications.controller.js';
import { OrdersController } from './orders/interface/orders.controller.js';
import { SessionsController } from './sessions/interface/sessions.controller.js';
import { UsersController } from './users/interface/users.controller.js';

@Module({})
class ApiGatewayModule {}

export const apiGateway: ServiceDefinition<typeof settingsSchema> = {
  name: 'api-gateway',
  settings: settingsSchema,
  rpc: false,
  trustProxy: ({ TRUST_PROXY }) => (TRUST_PROXY === 'on' ? true : TRUST_PROXY === 'off' ? false : TRUST_PROXY),
  module: async (settings, context): Promise<DynamicModule> => ({
    module: ApiGatewayModule,
    controllers: [
      UsersController,
      SessionsController,
      CatalogueController,
      OrdersController,
      LeaderboardsController,
      NotificationsController,
    ],
    providers: await providersOf(settings, context),
  }),
  configure: async (app) => {
    await app.register(cookie);
    await app.register(helmet);
    // After those two: it reads cookies, and its refusals carry their headers.
    admit(app.getHttpAdapter().getInstance() as unknown as FastifyInstance, {
      sessions: app.get<SessionStore<SessionUser>>(SessionStore),
      limiter: app.get(RateLimiter),
    });
    app.setGlobalPrefix('v1');
    app.useGlobalPipes(new PlainInputPipe(), validationPipe());
    serveOpenApi(app);
  },
};
