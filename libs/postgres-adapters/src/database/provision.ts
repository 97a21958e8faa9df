import type { Client } from 'pg';

const alreadyThere = new Set(['42710', '42P06', '23505']);

/**
 * Makes the service's schema and, where the user may create roles, a role of the same name that owns it and that its
 * sessions take: no service can touch another's tables. Idempotent; run it under the migration lock.
 * @throws SchemaRoleError when a role of that name can log in or is a superuser: somebody's account, not a service's
 */
export async function provisionSchema(client: Client, schema: string): Promise<void> {
  const { rows } = await client.query<{ may_create: boolean; me: string }>(
    'select rolcreaterole or rolsuper as may_create, current_user as me from pg_roles where rolname = current_user',
  );
  const { may_create: mayCreate, me } = rows[0]!;
  const ownsItself = me === schema;
  if (!mayCreate || ownsItself) {
    await tolerate(client.query(`create schema if not exists "${schema}"`));
    return;
  }
  // Roles belong to the whole server, so another database's migration may be making the same one now.
  await tolerate(client.query(`create role "${schema}" nologin`));
  const role = await client.query<{ foreign: boolean }>(
    'select rolcanlogin or rolsuper as foreign from pg_roles where rolname = $1',
    [schema],
  );
  if (role.rows[0]?.foreign) throw new SchemaRoleError(schema);
  await grantToMe(client, schema);
  await tolerate(client.query(`create schema if not exists "${schema}" authorization "${schema}"`));
  await client.query(`alter schema "${schema}" owner to "${schema}"`);
}

async function grantToMe(client: Client, schema: string): Promise<void> {
  const member = await client.query<{ member: boolean }>("select pg_has_role(current_user, $1, 'member') as member", [
    schema,
  ]);
  if (!member.rows[0]?.member) await tolerate(client.query(`grant "${schema}" to current_user`));
}

/** True when the schema's role exists and this user may take it. */
export async function mayTakeRole(client: Client, schema: string): Promise<boolean> {
  const { rows } = await client.query<{ member: boolean }>(
    "select pg_has_role(current_user, oid, 'member') and not rolcanlogin as member from pg_roles where rolname = $1",
    [schema],
  );
  return rows[0]?.member ?? false;
}

async function tolerate(made: Promise<unknown>): Promise<void> {
  try {
    await made;
  } catch (error) {
    const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
    if (typeof code !== 'string' || !alreadyThere.has(code)) throw error;
  }
}

/** A role named like the schema belongs to a person or an administrator: choose another schema. */
export class SchemaRoleError extends Error {
  readonly code = 'SCHEMA_ROLE_TAKEN';
  constructor(readonly schema: string) {
    super(`role "${schema}" exists and can log in or is a superuser; a service does not take it over`);
    this.name = 'SchemaRoleError';
  }
}
