// Random words by counter: Philox4x64-10 (J. Salmon and others, Parallel random numbers, 2011), as
// lazytensor/ops/random.py has it, and Philox4x32-10, as lazytensor/ops/philox.py has it.

namespace lt {

LT_FN u64 multiply_high(u64 x, u64 y) {
#ifdef LT_HOST
  return u64(static_cast<unsigned __int128>(x) * y >> 64);
#else
  return __umul64hi(x, y);
#endif
}

// Four words of a key and the lower two words of a counter.
LT_FN void draw(u64 (&c)[4], u64 k0, u64 k1) {
  const u64 m0 = 0xd2e7470ee14c6c93ull, m1 = 0xca5a826395121157ull;
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const u64 high0 = multiply_high(c[0], m0), low0 = c[0] * m0;
    const u64 high1 = multiply_high(c[2], m1), low1 = c[2] * m1;
    c[0] = high1 ^ c[1] ^ k0, c[1] = low1, c[2] = high0 ^ c[3] ^ k1, c[3] = low0;
    k0 += 0x9e3779b97f4a7c15ull, k1 += 0xbb67ae8584caa73bull;
  }
}

// A thread has a counter of a stream. Words: to, keys, positions; streams, words of each, counters of each,
// bytes between words and between the words of a key; sizes of R axes of streams, strides of the three.
template <int R, class N> LT_FN void draw_words(const i64 *w) {
  const i64 t = thread_number();
  if (t >= w[3] * w[5]) return;
  const i64 stream = i64(N(t) / N(w[5])), i = t - stream * w[5], *const sizes = w + 8;
  i64 at[R];
  split<R, N>(at, stream, sizes);
  const char *const key = pointer(w[1]) + offset(at, sizes + 2 * R);
  const u64 position = load<u64>(pointer(w[2]) + offset(at, sizes + 3 * R));
  const u64 low = position + 1 + u64(i);
  u64 c[4] = {low, low <= position, 0, 0};
  draw(c, load<u64>(key), load<u64>(key + w[7]));
  char *const to = pointer(w[0]) + offset(at, sizes + R) + i * 4 * w[6];
#pragma unroll
  for (int k = 0; k < 4; ++k)
    if (i * 4 + k < w[4]) store<u64>(to + k * w[6], c[k]);
}

// Four words of 32 bits of a seed, a counter and a thread.
LT_FN void draw(u32 (&c)[4], u64 seed, u64 counter, u64 thread) {
  u32 k0 = u32(seed), k1 = u32(seed >> 32);
  c[0] = u32(counter), c[1] = u32(counter >> 32), c[2] = u32(thread), c[3] = u32(thread >> 32);
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const u64 x = u64(c[0]) * 0xd2511f53u, y = u64(c[2]) * 0xcd9e8d57u;
    c[0] = u32(y >> 32) ^ c[1] ^ k0, c[1] = u32(y), c[2] = u32(x >> 32) ^ c[3] ^ k1, c[3] = u32(x);
    k0 += 0x9e3779b9u, k1 += 0xbb67ae85u;
  }
}

// The word of a number in `taken`, of which 4 clears the lowest bit and 8 sets it.
LT_FN u32 word(const u32 (&c)[4], u32 number) {
  const u32 found = c[number & 3];
  return number & 8 ? found | 1 : number & 4 ? found & ~1u : found;
}
// What element j of a counter takes: a word, or two.
template <int J, u32 LOW> LT_FN void take(u32 &to, const u32 (&c)[4]) { to = word(c, LOW >> 4 * J & 15); }
template <int J, u32 LOW, u32 HIGH> LT_FN void take(u64 &to, const u32 (&c)[4]) {
  to = u64(word(c, HIGH >> 4 * J & 15)) << 32 | word(c, LOW >> 4 * J & 15);
}
template <class W, int J, int PER, u32... TAKEN> struct Take {
  template <class Put> LT_FN static void all(const Put &put, const u32 (&c)[4]) {
    W found;
    take<J, TAKEN...>(found, c);
    put(J, found);
    Take<W, J + 1, PER, TAKEN...>::all(put, c);
  }
};
template <class W, int PER, u32... TAKEN> struct Take<W, PER, PER, TAKEN...> {
  template <class Put> LT_FN static void all(const Put &, const u32 (&)[4]) {}
};

// What is stored of a word: itself, or whether it is below a number, the third one of a state.
template <class E> struct Drawn {
  LT_FN static u64 bound(const char *) { return 0; }
  LT_FN static E of(E x, u64) { return x; }
};
template <> struct Drawn<bool> {
  LT_FN static u64 bound(const char *at) { return load<u64>(at); }
  LT_FN static bool of(u32 x, u64 bound) { return x < bound; }
};

// Where elements of a thread go, counted from the first one that its counter serves.
template <class E, class W, int RUN> struct PutOwn {
  char *to;
  i64 along, threads, thread, own, count;
  u64 bound;
  LT_FN void operator()(int j, W x) const {
    const i64 e = own + j, at = (e / RUN * threads + thread) * RUN + e % RUN;
    if (at < count) store<E>(to + at * along, Drawn<E>::of(x, bound));
  }
};

// A thread has a counter of one that draws, which serves PER elements; runs of RUN are neighbours. Words:
// to, states; streams, elements of each, threads that draw, counters of each stream, bytes between
// elements and between the words of a state; sizes of R axes of streams, strides of the two.
template <int R, class N, class E, class W, int PER, int RUN, u32... TAKEN> LT_FN void draw_lanes(const i64 *w) {
  const i64 t = thread_number();
  if (t >= w[2] * w[5]) return;
  const i64 stream = i64(N(t) / N(w[5])), c = t - stream * w[5], *const sizes = w + 8;
  const i64 turn = i64(N(c) / N(w[4])), thread = c - turn * w[4];
  i64 at[R];
  split<R, N>(at, stream, sizes);
  const char *const state = pointer(w[1]) + offset(at, sizes + 2 * R);
  u32 words[4];
  draw(words, load<u64>(state), load<u64>(state + w[7]) + u64(turn), u64(thread));
  char *const to = pointer(w[0]) + offset(at, sizes + R);
  const u64 bound = Drawn<E>::bound(state + 2 * w[7]);
  const PutOwn<E, W, RUN> put{to, w[6], w[4], thread, turn * PER, w[3], bound};
  Take<W, 0, PER, TAKEN...>::all(put, words);
}

}  // namespace lt
