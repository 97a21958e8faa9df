import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { fileURLToPath } from 'node:url';

export interface DebugCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

interface ProtocolMessage {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/**
 * Starts a command as a debugger does (`--inspect-brk`), sets a breakpoint at a line of a TypeScript file through the
 * inspector protocol, and returns the line of that file at which the program stops.
 */
export async function stopAt(command: DebugCommand, file: string, line: number): Promise<number> {
  const child = spawn(command.program, ['--inspect-brk=127.0.0.1:0', ...command.args], {
    cwd: command.cwd,
    env: command.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    const socket = new WebSocket(await inspectorUrl(child));
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error('The inspector refuses the connection.'));
    });
    return await new Promise<number>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`It ended with ${code} before it reached ${file}:${line}.`)));
      debugUntil(socket, { file, line, resolve, reject });
    });
  } finally {
    child.kill('SIGKILL');
  }
}

function inspectorUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`It ended at once:\n${output}`)));
    child.stderr?.on('data', (bytes: Buffer) => {
      output += bytes.toString();
      const url = /ws:\/\/\S+/.exec(output)?.[0];
      if (url) resolve(url);
    });
  });
}

function debugUntil(
  socket: WebSocket,
  target: { file: string; line: number; resolve(line: number): void; reject(error: Error): void },
): void {
  let lastId = 0;
  let map: SourceMap | undefined;
  let breakpoint: number | undefined;
  const breakpointIds = new Set<unknown>();
  const send = (method: string, params: object = {}) => {
    socket.send(JSON.stringify({ id: ++lastId, method, params }));
    return lastId;
  };
  socket.onmessage = ({ data }) => {
    const { id, method, params, result, error } = JSON.parse(String(data)) as ProtocolMessage;
    if (error) target.reject(new Error(error.message));
    if (id !== undefined && id === breakpoint) {
      if ((result?.locations as unknown[] | undefined)?.length !== 1) target.reject(new Error('It does not resolve.'));
      breakpointIds.add(result?.breakpointId);
    }
    if (method === 'Debugger.scriptParsed' && isFile(String(params?.url), target.file)) {
      map = inlineMap(String(params?.sourceMapURL));
      const lineNumber = generatedLine(map, target.line);
      breakpoint = send('Debugger.setBreakpointByUrl', { url: params?.url, lineNumber });
    }
    if (method === 'Debugger.paused') {
      const hit = (params?.hitBreakpoints as string[] | undefined)?.some((each) => breakpointIds.has(each));
      if (hit && map) {
        const [frame] = params?.callFrames as { location: { lineNumber: number; columnNumber: number } }[];
        const at = map.findEntry(frame?.location.lineNumber ?? 0, frame?.location.columnNumber ?? 0);
        target.resolve('originalLine' in at ? at.originalLine + 1 : -1);
      } else {
        send('Debugger.resume');
      }
    }
  };
  send('Runtime.enable');
  send('Debugger.enable');
  send('Runtime.runIfWaitingForDebugger');
}

function isFile(url: string, file: string): boolean {
  return url === file || (url.startsWith('file:') && fileURLToPath(url) === file);
}

function inlineMap(url: string): SourceMap {
  const comma = url.indexOf(',');
  if (!url.startsWith('data:') || comma < 0) throw new Error('No source map in the script.');
  return new SourceMap(JSON.parse(Buffer.from(url.slice(comma + 1), 'base64').toString('utf8')) as SourceMapPayload);
}

/** The first line of the compiled script that comes from the given line of the source, both as their side counts. */
function generatedLine(map: SourceMap, originalLine: number): number {
  for (let line = 0; line < 10_000; line++) {
    for (let column = 0; column < 200; column += 2) {
      const entry = map.findEntry(line, column);
      if ('originalLine' in entry && entry.generatedLine === line && entry.originalLine === originalLine - 1)
        return line;
    }
  }
  throw new Error(`Nothing was compiled from line ${originalLine}.`);
}

/** The number of the first line that holds a text, counted from 1. */
export function lineOf(file: string, text: string): number {
  const index = readFileSync(file, 'utf8')
    .split('\n')
    .findIndex((line) => line.includes(text));
  if (index < 0) throw new Error(`${file} does not hold ${text}.`);
  return index + 1;
}
