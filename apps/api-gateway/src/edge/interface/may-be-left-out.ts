import { ValidateIf } from 'class-validator';

/** May be absent; `null` is a value like others. (`IsOptional` would let it pass every rule.) */
export const MayBeLeftOut = () => ValidateIf((_dto, value) => value !== undefined);
