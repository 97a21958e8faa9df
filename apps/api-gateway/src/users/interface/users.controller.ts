import {
  Body,
  Controller,
  ForbiddenException,
  Get,
  Inject,
  Param,
  ParseUUIDPipe,
  Patch,
  Post,
  Query,
  Res,
} from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { usersRpc, type SessionUser, type User } from '@redstart/messages';
import { SessionStore, type Session } from '@redstart/ports';
import type { RpcCaller } from '@redstart/service-kit';
import type { FastifyReply } from 'fastify';
import { ORDER_SERVICE } from '../../edge/interface/services.js';
import { CACHE_HEADER } from '../../edge/interface/cache-header.js';
import { AdminOnly, Anyone, CurrentSession } from '../../edge/interface/access.js';
import { CreateUserDto, FindUsersQuery, UpdateUserDto, UserDto, UserListDto } from './users.dto.js';

@ApiTags('users')
@ApiBearerAuth()
@Controller('users')
export class UsersController {
  constructor(
    @Inject(ORDER_SERVICE) private readonly orderService: RpcCaller,
    private readonly sessions: SessionStore<SessionUser>,
  ) {}

  @Post()
  @Anyone()
  @ApiCreatedResponse({ type: UserDto })
  create(@Body() body: CreateUserDto): Promise<User> {
    return this.orderService.call(usersRpc.create, body);
  }

  @Get()
  @AdminOnly()
  @ApiOkResponse({ type: UserListDto })
  async find(@Query() query: FindUsersQuery): Promise<UserListDto> {
    return { items: await this.orderService.call(usersRpc.findByEmail, query) };
  }

  @Get('me')
  @ApiOkResponse({ type: UserDto, headers: CACHE_HEADER })
  me(@CurrentSession() session: Session<SessionUser>, @Res({ passthrough: true }) reply: FastifyReply): Promise<User> {
    return this.read(session.userId, reply);
  }

  @Patch('me')
  @ApiOkResponse({ type: UserDto })
  async update(@CurrentSession() session: Session<SessionUser>, @Body() body: UpdateUserDto): Promise<User> {
    const user = await this.orderService.call(usersRpc.update, { id: session.userId, ...body });
    if (body.password !== undefined) await this.sessions.revokeAll(session.userId);
    return user;
  }

  @Get(':id')
  @ApiOkResponse({ type: UserDto, headers: CACHE_HEADER })
  get(
    @Param('id', ParseUUIDPipe) id: string,
    @CurrentSession() session: Session<SessionUser>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<User> {
    if (id !== session.userId && session.data.role !== 'admin') {
      throw new ForbiddenException({ code: 'FORBIDDEN', detail: 'this is another user' });
    }
    return this.read(id, reply);
  }

  private async read(id: string, reply: FastifyReply): Promise<User> {
    const { user, from } = await this.orderService.call(usersRpc.get, { id });
    void reply.header('x-cache', from);
    return user;
  }
}
