/** A hot state message: 60 times a second for each entity of a game, 32 bytes of it the game's own. */
export interface StateMessage {
  channel: string;
  type: string;
  seq: number;
  ts: number;
  key: string;
  payload: Uint8Array;
}

/** Messages that differ as those of a game do, so that no codec meets the same one twice in a row. */
export function messages(count: number): StateMessage[] {
  return Array.from({ length: count }, (_, i) => {
    const payload = new Uint8Array(32);
    const view = new DataView(payload.buffer);
    for (let offset = 0; offset < 32; offset += 4) view.setFloat32(offset, Math.sin(i + offset) * 1000);
    return {
      channel: 'arena/7',
      type: 'STATE',
      seq: 100_000 + i,
      ts: 1_764_000_000_000 + i * 16,
      key: `p${i % 16}`,
      payload,
    };
  });
}
