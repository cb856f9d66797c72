export { StateView, type StateViewOptions, type StateViewStats } from './state-view.ts';
