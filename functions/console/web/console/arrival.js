// Whoever has just signed in at their issuer, on the way to the console, which the page becomes.

let arrival;

/** Leaves a person who has just signed in for the console. */
export function arrive(signedIn) {
  arrival = signedIn;
}

/** Whoever has just signed in, once. */
export function takeArrival() {
  const signedIn = arrival;
  arrival = undefined;
  return signedIn;
}
