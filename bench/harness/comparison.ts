import type { Chart } from '../charts/chart.ts';

/** A figure that is measured in every round. */
export interface Metric {
  readonly id: string;
  readonly label: string;
  readonly unit: string;
  /** Digits behind the point. */
  readonly digits: number;
}

/** One round's figures by the id of their metric. One that does not apply is left out. */
export type Figures = Readonly<Record<string, number>>;

/** One server with its clients, connected and ready. */
export interface Opened extends AsyncDisposable {
  /** Puts the work on it for about so long and tells what it cost. */
  measure(seconds: number): Promise<Figures>;
}

/** What cannot be measured here, and why. */
export interface Skipped {
  readonly skipped: string;
}

/** Whoever does the work. */
export interface Subject {
  readonly peer: string;
  open(): Promise<Opened | Skipped>;
}

/** The same work for all subjects. */
export interface Work {
  readonly id: string;
  /** What a reader of the table sees. */
  readonly label: string;
  readonly subjects: readonly Subject[];
}

/** A bound on the ratio of one figure to another of the same round, or on the difference. */
export interface Goal {
  readonly metric: string;
  readonly work: string;
  readonly peer: string;
  /** What it is compared with. Without a work: in the same. */
  readonly to: { readonly peer: string; readonly work?: string };
  readonly atMost?: number;
  /** Instead of a ratio: no more than so much above it. */
  readonly more?: number;
  /** A bound that we should like to reach. */
  readonly stretch?: true;
}

/** A bench: works, each of them done by several peers in turns. */
export interface Comparison {
  readonly name: string;
  /** One line. */
  readonly about: string;
  readonly metrics: readonly Metric[];
  readonly works: readonly Work[];
  readonly goals: readonly Goal[];
  readonly chart: Chart;
  /** Some come from bench/peers, which is then installed. @default false */
  readonly peers?: boolean;
  /** Measure each once before the first round counts? False where every round begins anew anyhow. @default true */
  readonly warmUp?: boolean;
  /** Are the works of each round done in turns as well? For goals between works. All servers then run at once. @default false */
  readonly together?: boolean;
  /** Of one round, and how many. */
  readonly seconds: number;
  readonly rounds: number;
}

/** All rounds of one peer at one work; undefined where a figure does not apply. */
export interface Row {
  readonly work: string;
  readonly peer: string;
  readonly figures: Readonly<Record<string, readonly number[]>>;
}

/** What a goal has come to: one ratio, or difference, for each round. */
export interface Verdict extends Goal {
  readonly ratios: readonly number[];
  readonly median: number;
  readonly met: boolean;
}

/** Everything that a run has found. */
export interface Findings {
  readonly rows: readonly Row[];
  readonly skipped: readonly { readonly work: string; readonly peer: string; readonly reason: string }[];
}
