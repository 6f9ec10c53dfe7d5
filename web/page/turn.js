/** Giving control back to the browser. */

/** Turns of the event loop without an answer of the device, after which the loop rests between them: looking costs a core. */
const EAGER = 50;

const { port1, port2 } = new MessageChannel();
let go = null;
port1.onmessage = () => go();
let waiting = 0;

/**
 * Lets the event loop turn once, without the delay that timers have.
 * @param {boolean} pending whether the device has not answered: if that goes on, the loop takes its time
 */
export function turn(pending) {
  waiting = pending ? waiting + 1 : 0;
  if (waiting > EAGER) return new Promise((resolve) => setTimeout(resolve));
  return new Promise((resolve) => {
    go = resolve;
    port2.postMessage(null);
  });
}
