const said = new Set<string>();

/** Says which server was chosen: one line on stderr, once a process. */
export function announce(line: string): void {
  if (said.has(line) || process.env.REDSTART_SERVERS_QUIET) return;
  said.add(line);
  process.stderr.write(`test-servers: ${line}\n`);
}
