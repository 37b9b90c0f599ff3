// The run's time and chance. The engine has none of its own left: everything
// that asks for the time or for randomness ends up here.
(function () {
  'use strict';
  let now = 0;
  let high = 0, low = 0, seeded = false;
  let a = 0, b = 0, c = 0, counter = 0; // sfc32

  function next() {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  }

  // Most runs never ask for a random number, so seeding waits for the first.
  function seed() {
    a = high; b = low; c = 0x2545f491; counter = 1; seeded = true;
    for (let i = 0; i < 12; i++) next();
  }

  return {
    start(ms, seedHigh, seedLow) {
      now = ms; high = seedHigh | 0; low = seedLow | 0; seeded = false;
    },
    move(ms) { now = ms; },
    now() { return now; },
    random() {
      if (!seeded) seed();
      const upper = next() >>> 5, lower = next() >>> 6;
      return (upper * 67108864 + lower) / 9007199254740992;
    },
  };
})
