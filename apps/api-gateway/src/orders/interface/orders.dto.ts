import { ApiProperty } from '@nestjs/swagger';
import { orderStatuses, type OrderStatus } from '@redstart/messages';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsIn,
  IsInt,
  IsObject,
  IsString,
  MaxLength,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { MoneyDto, PageQuery } from '../../edge/interface/dto.js';
import { MayBeLeftOut } from '../../edge/interface/may-be-left-out.js';

export const MAX_LINES = 1000;

export class OrderLineDto {
  @ApiProperty({ example: '85123A' })
  @IsString()
  @MinLength(1)
  @MaxLength(64)
  sku!: string;

  @ApiProperty({ minimum: 1, maximum: 1_000_000 })
  @IsInt()
  quantity!: number;
}

export class PlaceOrderDto {
  @ApiProperty({ type: [OrderLineDto], minItems: 1, maxItems: MAX_LINES })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_LINES)
  @IsObject({ each: true }) // else an array of lines would pass as a line
  @ValidateNested({ each: true })
  @Type(() => OrderLineDto)
  lines!: OrderLineDto[];
}

export class CancelOrderDto {
  @ApiProperty({ required: false, maxLength: 200 })
  @MayBeLeftOut()
  @IsString()
  @MinLength(1)
  @MaxLength(200)
  reason?: string;
}

export class OrdersQuery extends PageQuery {
  @ApiProperty({ required: false, enum: orderStatuses })
  @MayBeLeftOut()
  @IsIn(orderStatuses)
  status?: OrderStatus;
}

export class OrderedLineDto {
  @ApiProperty()
  sku!: string;
  @ApiProperty()
  name!: string;
  @ApiProperty()
  quantity!: number;
  @ApiProperty({ type: MoneyDto })
  unitPrice!: MoneyDto;
  @ApiProperty({ type: MoneyDto })
  total!: MoneyDto;
}

export class OrderDto {
  @ApiProperty({ format: 'uuid' })
  id!: string;
  @ApiProperty({ format: 'uuid' })
  userId!: string;
  @ApiProperty({ enum: orderStatuses })
  status!: OrderStatus;
  @ApiProperty({ type: [OrderedLineDto] })
  lines!: OrderedLineDto[];
  @ApiProperty({ type: MoneyDto })
  total!: MoneyDto;
  @ApiProperty({ format: 'date-time' })
  placedAt!: string;
  @ApiProperty({ required: false })
  reason?: string;
  @ApiProperty({ required: false, description: 'the administrator who placed it for the customer' })
  placedBy?: string;
}

export class OrderListDto {
  @ApiProperty({ type: [OrderDto] })
  items!: OrderDto[];
  @ApiProperty({ required: false })
  nextCursor?: string;
}

export class OrderEventDto {
  @ApiProperty({ format: 'uuid' })
  id!: string;
  @ApiProperty({ example: 'order.placed.v1' })
  type!: string;
  @ApiProperty({ format: 'date-time' })
  time!: string;
  @ApiProperty({ type: Object })
  data!: unknown;
  @ApiProperty({ required: false })
  reason?: string;
}

export class OrderEventListDto {
  @ApiProperty({ type: [OrderEventDto] })
  items!: OrderEventDto[];
}
