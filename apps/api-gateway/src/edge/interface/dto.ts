import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsISO4217CurrencyCode, IsString, Max, MaxLength, Min } from 'class-validator';
import { MayBeLeftOut } from './may-be-left-out.js';

export class MoneyDto {
  @ApiProperty({ description: 'integer minor units (pence)', example: 255 })
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  amount!: number;

  @ApiProperty({ description: 'ISO 4217', example: 'GBP' })
  @IsISO4217CurrencyCode()
  currency!: string;
}

export class PageQuery {
  @ApiProperty({ required: false, description: 'nextCursor of the page before' })
  @MayBeLeftOut()
  @IsString()
  @MaxLength(512)
  cursor?: string;

  @ApiProperty({ required: false, minimum: 1, maximum: 100, default: 20 })
  @MayBeLeftOut()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(100)
  limit: number = 20;
}

export class FieldError {
  @ApiProperty()
  field!: string;
  @ApiProperty()
  message!: string;
}

/** RFC 9457, for the OpenAPI document. */
export class ProblemDto {
  @ApiProperty()
  type!: string;
  @ApiProperty()
  title!: string;
  @ApiProperty()
  status!: number;
  @ApiProperty()
  detail!: string;
  @ApiProperty({ description: 'stable, in capitals' })
  code!: string;
  @ApiProperty({ required: false })
  instance?: string;
  @ApiProperty({ required: false, type: [FieldError] })
  errors?: FieldError[];
}
