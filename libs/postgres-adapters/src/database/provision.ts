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
  if (mayCreate && me !== schema && (await obtainRole(client, schema))) {
    await tolerate(client.query(`create schema if not exists "${schema}" authorization "${schema}"`));
    await client.query(`alter schema "${schema}" owner to "${schema}"`);
  } else {
    await tolerate(client.query(`create schema if not exists "${schema}"`));
  }
}

/** False: the role is another user's, who did not share it. */
async function obtainRole(client: Client, schema: string): Promise<boolean> {
  // Roles belong to the whole server, so another database's migration may be making the same one now.
  await tolerate(client.query(`create role "${schema}" nologin`));
  const { rows } = await client.query<{ foreign: boolean }>(
    'select rolcanlogin or rolsuper as foreign from pg_roles where rolname = $1',
    [schema],
  );
  if (rows[0]?.foreign) throw new SchemaRoleError(schema);
  if (await canSetRole(client, schema)) return true;
  return allowed(client.query(`grant "${schema}" to current_user`));
}

/** True when the schema's role exists and sessions of this user may take it. */
export async function mayTakeRole(client: Client, schema: string): Promise<boolean> {
  const { rows } = await client.query<{ service: boolean }>(
    'select not (rolcanlogin or rolsuper) as service from pg_roles where rolname = $1',
    [schema],
  );
  return rows[0]?.service === true && (await canSetRole(client, schema));
}

/** Tried, not looked up: membership alone does not allow it from PostgreSQL 16 on. */
async function canSetRole(client: Client, schema: string): Promise<boolean> {
  const can = await allowed(client.query(`set role "${schema}"`));
  if (can) await client.query('reset role');
  return can;
}

/** False when it is refused for want of a privilege. */
async function allowed(done: Promise<unknown>): Promise<boolean> {
  try {
    await done;
    return true;
  } catch (error) {
    if (errorCode(error) !== '42501') throw error;
    return false;
  }
}

async function tolerate(made: Promise<unknown>): Promise<void> {
  try {
    await made;
  } catch (error) {
    if (!alreadyThere.has(errorCode(error))) throw error;
  }
}

function errorCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

/** A role named like the schema belongs to a person or an administrator: choose another schema. */
export class SchemaRoleError extends Error {
  readonly code = 'SCHEMA_ROLE_TAKEN';
  constructor(readonly schema: string) {
    super(`role "${schema}" exists and can log in or is a superuser; a service does not take it over`);
    this.name = 'SchemaRoleError';
  }
}
