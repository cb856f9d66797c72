/** Samples a second of every sensor. */
export const SAMPLE_RATE = 100;

/** Batches a second that the plant publishes for each line: 4 samples of 10 sensors each. */
export const BATCH_RATE = 25;

export const LINES = ['Intake', 'Mixing', 'Reactor', 'Filling', 'Packing'] as const;

/** One kind of reading that every line has. */
export interface Quantity {
  readonly name: string;
  readonly unit: string;
  readonly decimals: number;
  /** Where it usually is. */
  readonly usual: number;
  /** Below `low` or above `high` an alarm is raised. */
  readonly low: number;
  readonly high: number;
  /** What cannot be passed; absent where nothing is too much. Nothing here can be below zero. */
  readonly most?: number;
}

export const QUANTITIES: readonly Quantity[] = [
  { name: 'Temperature', unit: '°C', decimals: 1, usual: 64, low: 52, high: 76 },
  { name: 'Pressure', unit: 'bar', decimals: 2, usual: 3.2, low: 2.4, high: 4 },
  { name: 'Flow', unit: 'L/min', decimals: 1, usual: 118, low: 96, high: 140 },
  { name: 'Level', unit: '%', decimals: 1, usual: 55, low: 30, high: 80, most: 100 },
  { name: 'Vibration', unit: 'mm/s', decimals: 2, usual: 2.4, low: 0.6, high: 4.2 },
  { name: 'Motor current', unit: 'A', decimals: 1, usual: 21, low: 14, high: 28 },
  { name: 'Speed', unit: 'rpm', decimals: 0, usual: 1460, low: 1380, high: 1540 },
  { name: 'Torque', unit: 'N·m', decimals: 1, usual: 86, low: 68, high: 104 },
  { name: 'Conductivity', unit: 'mS/cm', decimals: 2, usual: 4.8, low: 3.9, high: 5.7 },
  { name: 'Acidity', unit: 'pH', decimals: 2, usual: 7.1, low: 6.4, high: 7.8 },
];

/** One sensor: a quantity on a line. Its index is `line * QUANTITIES.length + quantity`. */
export interface Sensor {
  readonly index: number;
  readonly line: number;
  readonly lineName: string;
  readonly quantity: Quantity;
  /** `Reactor temperature`. */
  readonly name: string;
}

/** All sensors, line by line. */
export const SENSORS: readonly Sensor[] = LINES.flatMap((lineName, line) =>
  QUANTITIES.map((quantity, place) => ({
    index: line * QUANTITIES.length + place,
    line,
    lineName,
    quantity,
    name: `${lineName} ${quantity.name.toLowerCase()}`,
  })),
);

/** The channel that carries the readings of a line. */
export function lineChannel(line: number): string {
  return `sensors/line-${line + 1}`;
}

/** The channel that carries alarms. */
export const ALARM_CHANNEL = 'alarms';

/** A reading with its unit, as people read it. */
export function formatReading(value: number, { decimals, unit }: Quantity): string {
  return `${value.toFixed(decimals)} ${unit}`;
}
