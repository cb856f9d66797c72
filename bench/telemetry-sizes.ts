/**
 * Bytes per reading of what sensors give, in packets of telemetry, in JSON and in CBOR (cbor-x), each with the same
 * readings: 20 to a message, as a live series at 200 Hz has in 100 ms, and 1000, as a batch has.
 * `npm run bench -- telemetry-sizes`
 */
import { bytesPerReading, FORMATS, type Format, seeded, signals } from './telemetry-sizes-signals.ts';

const formats = Object.keys(FORMATS) as Format[];
for (const readings of [20, 1000]) {
  console.log(`\nBytes per reading, ${readings} readings to a message\n`);
  console.log(`| signal | ${formats.join(' | ')} | of JSON columns | of CBOR columns |`);
  console.log(`|---|${'---|'.repeat(formats.length + 2)}`);
  for (const signal of signals(seeded(7))) {
    const bytes = new Map(formats.map((format) => [format, bytesPerReading(format, signal, readings)]));
    const share = (format: Format): string =>
      `${((100 * bytes.get('Spillway')!) / bytes.get(format)!).toFixed(0)} %`;
    const figures = [...bytes.values()].map((figure) => figure.toFixed(2));
    console.log(
      `| ${signal.name} | ${figures.join(' | ')} | ${share('JSON columns')} | ${share('CBOR columns')} |`,
    );
  }
}
