import { spawnSync } from 'node:child_process';
import { setPriority } from 'node:os';

/**
 * Lets this process and its threads go before all others, where times are measured on a busy machine. For
 * processes that mostly wait. Where real-time scheduling is not granted, a nice value has to do.
 */
export function hurry(): void {
  // Round robin: threads that spin for one another take turns. Any real-time priority is above every ordinary process.
  const { status } = spawnSync('chrt', ['-a', '-r', '-p', '10', String(process.pid)], { stdio: 'ignore' });
  if (status === 0) return;
  try {
    setPriority(-15);
  } catch {
    // Times are then as good as the machine is idle.
  }
}
