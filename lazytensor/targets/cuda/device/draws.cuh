// Random words by counter: Philox4x64-10 (J. Salmon and others, Parallel random numbers, 2011), as
// lazytensor/ops/random.py has it.

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

}  // namespace lt
