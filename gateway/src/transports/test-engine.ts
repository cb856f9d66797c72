import { FrameReader } from '@spillway/envelope';
import type {
  EngineBidirectionalStream,
  EngineReceiveStream,
  EngineSendStream,
  EngineSession,
  EngineSessionHandler,
  EngineStreamHandler,
} from '../core/contracts/engine.ts';

const decoder = new TextDecoder();

/** What one outgoing stream was told to do. */
export class FakeSendStream implements EngineSendStream {
  backlog = 0;
  done = false;
  readonly chunks: Uint8Array[] = [];
  finished = false;
  resets = 0;

  write(bytes: Uint8Array): void {
    this.chunks.push(bytes);
  }

  finish(): void {
    this.finished = true;
  }

  reset(): void {
    this.resets++;
    this.backlog = 0;
    this.done = true;
  }

  get texts(): string[] {
    const texts: string[] = [];
    const reader = new FrameReader(1_000_000);
    for (const chunk of this.chunks) reader.push(chunk, (bytes) => texts.push(decoder.decode(bytes)));
    return texts;
  }
}

/** An incoming stream played by the test. */
export class FakeReceiveStream implements EngineReceiveStream {
  handler: EngineStreamHandler | undefined;

  start(handler: EngineStreamHandler): void {
    this.handler = handler;
  }

  cancel(): void {
    throw new Error('no stream is cancelled');
  }

  data(bytes: Uint8Array): void {
    this.handler?.data(bytes);
  }

  end(resetCode?: number): void {
    this.handler?.end(resetCode);
  }
}

/** An engine's session that does nothing by itself. */
export class FakeSession implements EngineSession {
  readonly request = {
    authority: 'game.example:4433',
    path: '/wt',
    origin: 'https://game.example',
    headers: { host: 'game.example:4433' },
    remoteAddress: '192.0.2.1',
  };
  maxDatagramSize = 1_200;
  handler!: EngineSessionHandler;
  readonly openings: PromiseWithResolvers<EngineSendStream>[] = [];
  readonly closes: { readonly code: number; readonly reason: string }[] = [];

  start(handler: EngineSessionHandler): void {
    this.handler = handler;
  }

  sendDatagram(): boolean {
    return true;
  }

  openUnidirectional(): Promise<EngineSendStream> {
    const opening = Promise.withResolvers<EngineSendStream>();
    this.openings.push(opening);
    return opening.promise;
  }

  openBidirectional(): Promise<EngineBidirectionalStream> {
    throw new Error('the client opens the control stream');
  }

  close(code: number, reason: string): void {
    this.closes.push({ code, reason });
  }
}
