import { Module, type DynamicModule } from '@nestjs/common';
import type { ServiceDefinition } from '@redstart/service-kit';
import { LeaderboardsController } from './boards/interface/leaderboards.controller.js';
import { providersOf } from './composition/providers.js';
import { settingsSchema } from './composition/settings.js';
import { eventStreamingProblem } from './interface/event-streaming-problems.js';
import { NotificationsController } from './notifications/interface/notifications.controller.js';

@Module({})
class EventStreamingModule {}

export const eventStreaming: ServiceDefinition<typeof settingsSchema> = {
  name: 'event-streaming',
  settings: settingsSchema,
  rpc: true,
  problems: eventStreamingProblem,
  module: async (settings, context): Promise<DynamicModule> => ({
    module: EventStreamingModule,
    controllers: [LeaderboardsController, NotificationsController],
    providers: await providersOf(settings, context),
  }),
};
