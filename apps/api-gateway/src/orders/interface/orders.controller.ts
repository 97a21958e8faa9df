import { Body, Controller, Get, HttpCode, Inject, Param, ParseUUIDPipe, Post, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiHeader, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { ordersRpc, type Order, type RpcProblem } from '@redstart/messages';
import { RpcProblemError, type RpcCaller } from '@redstart/service-kit';
import type { FastifyReply } from 'fastify';
import { createHash } from 'node:crypto';
import { ORDER_SERVICE } from '../../edge/interface/services.js';
import { ActingUser, type Acting } from './acting-user.js';
import { IdempotencyKey } from './idempotency-key.js';
import { CancelOrderDto, OrderDto, OrderEventListDto, OrderListDto, OrdersQuery, PlaceOrderDto } from './orders.dto.js';

@ApiTags('orders')
@ApiBearerAuth()
@ApiHeader({ name: 'On-Behalf-Of', required: false, description: 'a user id; an administrator acts for them' })
@Controller('orders')
export class OrdersController {
  constructor(@Inject(ORDER_SERVICE) private readonly orderService: RpcCaller) {}

  @Post()
  @ApiHeader({ name: 'Idempotency-Key', required: true })
  @ApiCreatedResponse({ type: OrderDto })
  async place(
    @Body() { lines }: PlaceOrderDto,
    @IdempotencyKey() idempotencyKey: string,
    @ActingUser() { userId, actorId }: Acting,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<unknown> {
    const plain = lines.map(({ sku, quantity }) => ({ sku, quantity }));
    const bodyHash = createHash('sha256').update(JSON.stringify(plain)).digest('hex');
    const answer = await this.orderService.call(ordersRpc.place, {
      userId,
      actorId,
      idempotencyKey,
      bodyHash,
      lines: plain,
    });
    if (answer.replayed) void reply.header('idempotent-replayed', 'true');
    if (answer.status >= 400) throw new RpcProblemError(answer.body as RpcProblem);
    void reply.status(answer.status).header('location', `/v1/orders/${(answer.body as Order).id}`);
    return answer.body;
  }

  @Get()
  @ApiOkResponse({ type: OrderListDto })
  list(@Query() query: OrdersQuery, @ActingUser() asker: Acting): Promise<OrderListDto> {
    return this.orderService.call(ordersRpc.list, { ...query, asker });
  }

  @Get(':id')
  @ApiOkResponse({ type: OrderDto })
  get(@Param('id', ParseUUIDPipe) id: string, @ActingUser() asker: Acting): Promise<Order> {
    return this.orderService.call(ordersRpc.get, { id, asker });
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @ApiOkResponse({ type: OrderDto })
  cancel(
    @Param('id', ParseUUIDPipe) id: string,
    @Body() body: CancelOrderDto,
    @ActingUser() asker: Acting,
  ): Promise<Order> {
    return this.orderService.call(ordersRpc.cancel, { id, asker, reason: body?.reason });
  }

  @Get(':id/events')
  @ApiOkResponse({ type: OrderEventListDto })
  events(@Param('id', ParseUUIDPipe) id: string, @ActingUser() asker: Acting): Promise<OrderEventListDto> {
    return this.orderService.call(ordersRpc.events, { id, asker });
  }
}
