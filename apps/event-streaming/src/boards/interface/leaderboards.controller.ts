import { Controller, Inject } from '@nestjs/common';
import { leaderboardsRpc, type RpcIn, type RpcOut } from '@redstart/messages';
import { checked, RpcHandler } from '@redstart/service-kit';
import { z } from 'zod';
import { readBoard, type ReadBoardParts } from '../application/read-board.js';

export const BOARDS = Symbol('boards');

const top = z.object({ name: z.string(), limit: z.int().min(1).max(100), window: z.enum(['all', 'day', 'week']) });

@Controller()
export class LeaderboardsController {
  constructor(@Inject(BOARDS) private readonly boards: ReadBoardParts) {}

  @RpcHandler(leaderboardsRpc.top)
  async top(input: RpcIn<typeof leaderboardsRpc.top>): Promise<RpcOut<typeof leaderboardsRpc.top>> {
    return { items: await readBoard(this.boards, checked(top, input)) };
  }
}
