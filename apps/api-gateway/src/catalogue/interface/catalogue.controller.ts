import { Body, Controller, Get, HttpStatus, Inject, Param, Put, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { catalogueRpc, type Product } from '@redstart/messages';
import type { RpcCaller } from '@redstart/service-kit';
import type { FastifyReply } from 'fastify';
import { CACHE_HEADER } from '../../edge/interface/cache-header.js';
import { AdminOnly, Anyone } from '../../edge/interface/access.js';
import { PageQuery } from '../../edge/interface/dto.js';
import { malformed } from '../../edge/interface/refusals.js';
import { ORDER_SERVICE } from '../../edge/interface/services.js';
import { ProductDto, ProductListDto, PutProductDto } from './catalogue.dto.js';

const SKU = /^[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?$/;

@ApiTags('catalogue')
@Controller('products')
export class CatalogueController {
  constructor(@Inject(ORDER_SERVICE) private readonly orderService: RpcCaller) {}

  @Get()
  @Anyone()
  @ApiOkResponse({ type: ProductListDto })
  list(@Query() query: PageQuery): Promise<ProductListDto> {
    return this.orderService.call(catalogueRpc.list, query);
  }

  @Get(':sku')
  @Anyone()
  @ApiOkResponse({ type: ProductDto, headers: CACHE_HEADER })
  async get(@Param('sku') sku: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<Product> {
    const { product, from } = await this.orderService.call(catalogueRpc.get, { sku });
    void reply.header('x-cache', from);
    return product;
  }

  @Put(':sku')
  @AdminOnly()
  @ApiBearerAuth()
  @ApiCreatedResponse({ type: ProductDto, description: 'new' })
  @ApiOkResponse({ type: ProductDto, description: 'changed' })
  async put(
    @Param('sku') sku: string,
    @Body() body: PutProductDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Product> {
    if (!SKU.test(sku)) throw malformed('a sku is 1 to 64 printable ASCII characters without outer spaces');
    const { product, created } = await this.orderService.call(catalogueRpc.put, { sku, ...body });
    void reply.status(created ? HttpStatus.CREATED : HttpStatus.OK);
    return product;
  }
}
