import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiProperty, ApiTags } from '@nestjs/swagger';
import { leaderboardsRpc, type LeaderboardWindow } from '@redstart/messages';
import type { RpcCaller } from '@redstart/service-kit';
import { Type } from 'class-transformer';
import { IsIn, IsInt, Max, Min } from 'class-validator';
import { MayBeLeftOut } from '../../edge/interface/may-be-left-out.js';
import { EVENT_STREAMING } from '../../edge/interface/services.js';

const windows = ['all', 'day', 'week'] as const;

export class LeaderboardQuery {
  @ApiProperty({ required: false, minimum: 1, maximum: 100, default: 20 })
  @MayBeLeftOut()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(100)
  limit: number = 20;

  @ApiProperty({ required: false, enum: windows, default: 'all' })
  @MayBeLeftOut()
  @IsIn(windows)
  window: LeaderboardWindow = 'all';
}

export class LeaderboardItemDto {
  @ApiProperty()
  rank!: number;
  @ApiProperty({ format: 'uuid' })
  userId!: string;
  @ApiProperty()
  name!: string;
  @ApiProperty({ description: 'spend: confirmed, not cancelled, totals in minor units' })
  score!: number;
}

export class LeaderboardDto {
  @ApiProperty({ type: [LeaderboardItemDto] })
  items!: LeaderboardItemDto[];
}

@ApiTags('leaderboards')
@ApiBearerAuth()
@Controller('leaderboards')
export class LeaderboardsController {
  constructor(@Inject(EVENT_STREAMING) private readonly eventStreaming: RpcCaller) {}

  @Get(':name')
  @ApiOkResponse({ type: LeaderboardDto })
  top(@Param('name') name: string, @Query() { limit, window }: LeaderboardQuery): Promise<LeaderboardDto> {
    return this.eventStreaming.call(leaderboardsRpc.top, { name, limit, window });
  }
}
