import { ApiProperty } from '@nestjs/swagger';
import { IsEmail, IsString, MaxLength, MinLength } from 'class-validator';
import { MayBeLeftOut } from '../../edge/interface/may-be-left-out.js';

export class CreateUserDto {
  @ApiProperty({ example: 'someone@example.com' })
  @IsEmail()
  @MaxLength(254)
  email!: string;

  @ApiProperty({ minLength: 8, maxLength: 256 })
  @IsString()
  @MinLength(8)
  @MaxLength(256)
  password!: string;

  @ApiProperty({ maxLength: 200 })
  @IsString()
  @MinLength(1)
  @MaxLength(200)
  name!: string;
}

export class UpdateUserDto {
  @ApiProperty({ required: false })
  @MayBeLeftOut()
  @IsEmail()
  @MaxLength(254)
  email?: string;

  @ApiProperty({ required: false, minLength: 8, maxLength: 256, description: 'ends every session of the user' })
  @MayBeLeftOut()
  @IsString()
  @MinLength(8)
  @MaxLength(256)
  password?: string;

  @ApiProperty({ required: false })
  @MayBeLeftOut()
  @IsString()
  @MinLength(1)
  @MaxLength(200)
  name?: string;
}

export class UserDto {
  @ApiProperty({ format: 'uuid' })
  id!: string;
  @ApiProperty()
  email!: string;
  @ApiProperty()
  name!: string;
  @ApiProperty({ enum: ['customer', 'admin'] })
  role!: 'customer' | 'admin';
}

export class UserListDto {
  @ApiProperty({ type: [UserDto] })
  items!: UserDto[];
}

export class FindUsersQuery {
  @ApiProperty()
  @IsString()
  @MaxLength(254)
  email!: string;
}
