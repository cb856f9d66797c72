import type { Outcome, Stage } from '@spillway/envelope';
import type { Undo } from '../clock.ts';

/** What the telemetry kit needs of a channel. */
export interface TelemetryChannel {
  subscribe(): Promise<unknown>;
  unsubscribe(): Promise<void>;
  on(type: string, listener: (payload: unknown) => void): Undo;
  publish(
    type: string,
    payload: Uint8Array,
    options: { readonly delivery: 'unreliable'; readonly maxAge: number },
  ): boolean;
  publish(
    type: string,
    payload: Uint8Array,
    options: { readonly delivery: 'reliable'; readonly receipt: 'processed' },
  ): Promise<Outcome | Stage>;
}

/** What the telemetry kit needs of a session: every session of `connect` has it. */
export interface TelemetrySession {
  readonly id: string;
  readonly state: 'connecting' | 'open' | 'reconnecting' | 'closed';
  on(name: 'state', listener: (state: TelemetrySession['state']) => void): Undo;
  on(name: 'message', listener: (type: string, payload: unknown) => void): Undo;
  channel(name: string): TelemetryChannel;
  request(type: string, payload?: unknown): Promise<unknown>;
}
