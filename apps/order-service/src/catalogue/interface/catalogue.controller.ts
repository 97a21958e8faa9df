import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { catalogueRpc, type Product as ProductMessage, type RpcIn, type RpcOut } from '@redstart/messages';
import { checked, RpcHandler } from '@redstart/service-kit';
import { z } from 'zod';
import { fromCursor, pageLimit, text, toCursor } from '../../interface/rpc-input.js';
import { Catalogue } from '../application/catalogue.js';
import type { Product } from '../domain/product.js';

const sku = text(100);
const list = z.object({ cursor: z.string().optional(), limit: pageLimit });
/** Prices and stocks beyond this could not be added up exactly. */
const MAX_AMOUNT = 1_000_000_000_000;
const product = z.object({
  sku,
  name: text(500),
  price: z.object({ amount: z.int().min(0).max(MAX_AMOUNT), currency: z.string().length(3) }),
  stock: z.int().min(0).max(MAX_AMOUNT),
});

@Controller()
export class CatalogueController {
  constructor(private readonly catalogue: Catalogue) {}

  @RpcHandler(catalogueRpc.list)
  async list(@Payload() input: RpcIn<typeof catalogueRpc.list>): Promise<RpcOut<typeof catalogueRpc.list>> {
    const { cursor, limit } = checked(list, input);
    const page = await this.catalogue.list({ after: fromCursor(sku, cursor), limit });
    return {
      items: page.items.map(toMessage),
      ...(page.next !== undefined && { nextCursor: toCursor(page.next) }),
    };
  }

  @RpcHandler(catalogueRpc.get)
  async get(@Payload() input: RpcIn<typeof catalogueRpc.get>): Promise<RpcOut<typeof catalogueRpc.get>> {
    const { value, from } = await this.catalogue.get(checked(sku, input.sku));
    return { product: toMessage(value), from };
  }

  @RpcHandler(catalogueRpc.put)
  async put(@Payload() input: RpcIn<typeof catalogueRpc.put>): Promise<RpcOut<typeof catalogueRpc.put>> {
    const { price, ...rest } = checked(product, input);
    const put = await this.catalogue.put({ ...rest, price: price.amount, currency: price.currency });
    return { product: toMessage(put.product), created: put.created };
  }
}

const toMessage = ({ sku, name, price, currency, stock }: Product): ProductMessage => ({
  sku,
  name,
  price: { amount: price, currency },
  stock,
});
