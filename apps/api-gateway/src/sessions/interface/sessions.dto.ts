import { ApiProperty } from '@nestjs/swagger';
import { IsString, MaxLength, MinLength } from 'class-validator';
import { UserDto } from '../../users/interface/users.dto.js';

export class LoginDto {
  @ApiProperty({ example: 'someone@example.com' })
  @IsString()
  @MinLength(1)
  @MaxLength(254)
  email!: string;

  @ApiProperty()
  @IsString()
  @MinLength(1)
  @MaxLength(256)
  password!: string;
}

export class CurrentSessionDto {
  @ApiProperty()
  id!: string;
  @ApiProperty({ description: 'when it ends whatever happens', format: 'date-time' })
  expiresAt!: string;
  @ApiProperty({ description: 'when it ends unless it is used before', format: 'date-time' })
  idleExpiresAt!: string;
  @ApiProperty()
  device!: string;
  @ApiProperty({ type: UserDto })
  user!: UserDto;
}

export class NewSessionDto extends CurrentSessionDto {
  @ApiProperty({ description: 'shown once; the cookie holds the same' })
  token!: string;
}
