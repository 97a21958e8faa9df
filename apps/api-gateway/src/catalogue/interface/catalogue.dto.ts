import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsObject, IsString, Max, MaxLength, Min, MinLength, ValidateNested } from 'class-validator';
import { MoneyDto } from '../../edge/interface/dto.js';

export class PutProductDto {
  @ApiProperty({ maxLength: 200 })
  @IsString()
  @MinLength(1)
  @MaxLength(200)
  name!: string;

  @ApiProperty({ type: MoneyDto })
  @IsObject()
  @ValidateNested()
  @Type(() => MoneyDto)
  price!: MoneyDto;

  @ApiProperty({ description: 'what can be bought from now on', minimum: 0, maximum: 1_000_000_000 })
  @IsInt()
  @Min(0)
  @Max(1_000_000_000)
  stock!: number;
}

export class ProductDto {
  @ApiProperty()
  sku!: string;
  @ApiProperty()
  name!: string;
  @ApiProperty({ type: MoneyDto })
  price!: MoneyDto;
  @ApiProperty({ description: 'what can still be bought' })
  stock!: number;
}

export class ProductListDto {
  @ApiProperty({ type: [ProductDto] })
  items!: ProductDto[];
  @ApiProperty({ required: false })
  nextCursor?: string;
}
