import { native } from './libc.ts';

const schedOther = 0;
const schedFifo = 1;
const resetOnFork = 0x40000000;

const setScheduler = native('int sched_setscheduler(int pid, int policy, void *param)');

/**
 * Lets a process run before all ordinary ones, but none that it starts: for the few instructions that a runtime needs
 * between letting its child go on and giving it what it expects. Without effect where the kernel does not allow it.
 */
export function hurry(pid: number): void {
  setScheduler(pid, schedFifo | resetOnFork, Uint8Array.of(1, 0, 0, 0));
}

/** The end of `hurry`. */
export function unhurry(pid: number): void {
  setScheduler(pid, schedOther, Uint8Array.of(0, 0, 0, 0));
}
