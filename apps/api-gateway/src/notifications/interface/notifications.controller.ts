import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiProperty, ApiTags } from '@nestjs/swagger';
import { notificationsRpc, type SessionUser } from '@redstart/messages';
import type { Session } from '@redstart/ports';
import type { RpcCaller } from '@redstart/service-kit';
import { CurrentSession } from '../../edge/interface/access.js';
import { PageQuery } from '../../edge/interface/dto.js';
import { EVENT_STREAMING } from '../../edge/interface/services.js';

export class NotificationDto {
  @ApiProperty()
  id!: string;
  @ApiProperty({ example: 'order.confirmed.v1' })
  type!: string;
  @ApiProperty({ format: 'uuid' })
  orderId!: string;
  @ApiProperty()
  text!: string;
  @ApiProperty({ format: 'date-time' })
  time!: string;
  @ApiProperty()
  read!: boolean;
}

export class NotificationListDto {
  @ApiProperty({ type: [NotificationDto] })
  items!: NotificationDto[];
  @ApiProperty({ required: false })
  nextCursor?: string;
}

@ApiTags('notifications')
@ApiBearerAuth()
@Controller('notifications')
export class NotificationsController {
  constructor(@Inject(EVENT_STREAMING) private readonly eventStreaming: RpcCaller) {}

  /** Newest first. */
  @Get()
  @ApiOkResponse({ type: NotificationListDto })
  list(@Query() page: PageQuery, @CurrentSession() session: Session<SessionUser>): Promise<NotificationListDto> {
    return this.eventStreaming.call(notificationsRpc.list, { userId: session.userId, ...page });
  }
}
