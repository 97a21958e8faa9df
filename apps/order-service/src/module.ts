import { Module, type DynamicModule } from '@nestjs/common';
import type { ServiceDefinition } from '@redstart/service-kit';
import { CatalogueController } from './catalogue/interface/catalogue.controller.js';
import { providersOf } from './composition/providers.js';
import { settingsSchema } from './composition/settings.js';
import { orderServiceProblem } from './interface/order-service-problems.js';
import { OrdersController } from './orders/interface/orders.controller.js';
import { SessionsController } from './sessions/interface/sessions.controller.js';
import { UsersController } from './users/interface/users.controller.js';

export { demoCustomer } from './composition/demo.js';

@Module({})
class OrderServiceModule {}

export const orderService: ServiceDefinition<typeof settingsSchema> = {
  name: 'order-service',
  settings: settingsSchema,
  rpc: true,
  problems: orderServiceProblem,
  module: async (settings, context): Promise<DynamicModule> => ({
    module: OrderServiceModule,
    controllers: [UsersController, SessionsController, CatalogueController, OrdersController],
    providers: await providersOf(settings, context),
  }),
};
