import type { ById, Changes, LogEntry, State } from "./contract";

/** The state with the changes in it. What has not changed stays the same object. */
export function applied(state: State, changes: Changes): State {
  return {
    ...state,
    gateway: changes.gateway ?? state.gateway,
    devices: merged(state.devices, changes.devices),
    shares: merged(state.shares, changes.shares),
    leases: merged(state.leases, changes.leases),
    traffic: merged(state.traffic, changes.traffic),
  };
}

function merged<T>(all: ById<T>, changed: ById<T | null> | undefined): ById<T> {
  if (!changed) return all;
  const result: Record<string, T> = { ...all };
  for (const [id, one] of Object.entries(changed)) {
    if (one === null) delete result[id];
    else result[id] = one;
  }
  return result;
}

const LOG_LENGTH = 200;

/** The log with the news at its end. The server may tell of an entry that it has listed, too. */
export function logged(log: readonly LogEntry[], news: readonly LogEntry[]): readonly LogEntry[] {
  const known = new Set(log.map(logKey));
  return [...log, ...news.filter((entry) => !known.has(logKey(entry)))].slice(-LOG_LENGTH);
}

export function logKey(entry: LogEntry): string {
  return [entry.at, entry.type, entry.share, entry.lease, entry.request_id, entry.message].join();
}
