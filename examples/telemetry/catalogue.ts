/** Samples a second of every sensor. */
export const SAMPLE_RATE = 200;

/** Length of the windows that the page shows, ms. */
export const WINDOW = 100;

export const LINES = ['Intake', 'Mixing', 'Reactor', 'Filling', 'Packing'] as const;

/** Machines in a row on each line. */
export const STATIONS = 10;

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
  /** Every reading has to arrive, if late: level and acidity go into the protocol of a batch. @default false */
  readonly complete?: boolean;
  /** What cannot be passed; absent where nothing is too much. Nothing here can be below zero. */
  readonly most?: number;
}

export const QUANTITIES: readonly Quantity[] = [
  { name: 'Temperature', unit: '°C', decimals: 1, usual: 64, low: 52, high: 76 },
  { name: 'Pressure', unit: 'bar', decimals: 2, usual: 3.2, low: 2.4, high: 4 },
  { name: 'Flow', unit: 'L/min', decimals: 1, usual: 118, low: 96, high: 140 },
  { name: 'Level', unit: '%', decimals: 1, usual: 55, low: 30, high: 80, most: 100, complete: true },
  { name: 'Vibration', unit: 'mm/s', decimals: 2, usual: 2.4, low: 0.6, high: 4.2 },
  { name: 'Motor current', unit: 'A', decimals: 1, usual: 21, low: 14, high: 28 },
  { name: 'Speed', unit: 'rpm', decimals: 0, usual: 1460, low: 1380, high: 1540 },
  { name: 'Torque', unit: 'N·m', decimals: 1, usual: 86, low: 68, high: 104 },
  { name: 'Conductivity', unit: 'mS/cm', decimals: 2, usual: 4.8, low: 3.9, high: 5.7 },
  { name: 'Acidity', unit: 'pH', decimals: 2, usual: 7.1, low: 6.4, high: 7.8, complete: true },
];

/** One sensor: a quantity at a station of a line. */
export interface Sensor {
  /** Its place in `SENSORS`, see `sensorIndex`. */
  readonly index: number;
  readonly line: number;
  readonly lineName: string;
  /** From 0 on. */
  readonly station: number;
  readonly quantity: Quantity;
  /** `Reactor 4 temperature`. */
  readonly name: string;
  /** Name of its series: `reactor/4/temperature`. */
  readonly series: string;
}

/** All sensors: line by line, and on each line station by station. */
export const SENSORS: readonly Sensor[] = LINES.flatMap((lineName, line) =>
  Array.from({ length: STATIONS }, (_, station) =>
    QUANTITIES.map((quantity, place) => ({
      index: sensorIndex(line, station, place),
      line,
      lineName,
      station,
      quantity,
      name: `${lineName} ${station + 1} ${quantity.name.toLowerCase()}`,
      series: `${lineName}/${station + 1}/${quantity.name}`.toLowerCase().replaceAll(' ', '-'),
    })),
  ).flat(),
);

/** Where a sensor is in `SENSORS`; `quantity` is an index into `QUANTITIES`. */
export function sensorIndex(line: number, station: number, quantity: number): number {
  return (line * STATIONS + station) * QUANTITIES.length + quantity;
}

/** Index into `QUANTITIES`. */
export function quantityOf({ index }: Sensor): number {
  return index % QUANTITIES.length;
}

/** The sensor whose series is called so. */
export const SENSOR_BY_SERIES: ReadonlyMap<string, Sensor> = new Map(
  SENSORS.map((sensor) => [sensor.series, sensor]),
);

/** The channel that the plant publishes readings on. */
export const PLANT_CHANNEL = 'plant/main';

/** The channel that carries alarms. */
export const ALARM_CHANNEL = 'alarms';

/** A reading with its unit, as people read it. */
export function formatReading(value: number, { decimals, unit }: Quantity): string {
  return `${value.toFixed(decimals)} ${unit}`;
}
