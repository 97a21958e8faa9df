import { Controller, Inject } from '@nestjs/common';
import { leaderboardsRpc, type RpcIn, type RpcOut } from '@redstart/messages';
import { RpcHandler } from '@redstart/service-kit';
import { readBoard, type ReadBoardParts } from '../application/read-board.js';

export const BOARDS = Symbol('boards');

@Controller()
export class LeaderboardsController {
  constructor(@Inject(BOARDS) private readonly boards: ReadBoardParts) {}

  @RpcHandler(leaderboardsRpc.top)
  async top(query: RpcIn<typeof leaderboardsRpc.top>): Promise<RpcOut<typeof leaderboardsRpc.top>> {
    return { items: await readBoard(this.boards, query) };
  }
}
