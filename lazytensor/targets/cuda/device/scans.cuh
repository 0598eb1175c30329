// Scans along an axis, in one order whoever carries them out: of a line the elements of each piece are combined
// one after another, then the pieces of a group, the groups of a chunk, the chunks of a span, the spans. An
// element comes to what the spans before its own hold, joined with what chunks, groups, pieces before its own
// do, and then with its piece up to itself.

namespace lt {

// What a scan holds, what it holds of one element, and two of them combined (the first comes first); its
// result.
template <class T> struct Scan {
  typedef typename Summed<T>::type acc;
  typedef T out;
  static LT_FN acc of(T x, i64) { return widened(x); }
  static LT_FN T result(acc a) { return narrowed<T>(a); }
};
template <class T> struct Sums : Scan<T> {
  typedef typename Scan<T>::acc acc;
  static LT_FN acc join(acc a, acc b) { return add_(a, b); }
};
template <class T> struct Products : Scan<T> {
  typedef typename Scan<T>::acc acc;
  static LT_FN acc join(acc a, acc b) { return mul_(a, b); }
};
template <class T> struct Logarithms : Scan<T> {
  typedef typename Scan<T>::acc acc;
  static LT_FN acc join(acc a, acc b) { return logaddexp_(a, b); }
};
// The last of the greatest (least) elements, or the last NaN.
template <class T, bool LARGEST> struct Best {
  struct acc { T v; i64 at; };
  static LT_FN acc of(T x, i64 i) { return acc{x, i}; }
  static LT_FN acc join(acc a, acc b) {
    if (isnan_(a.v) || isnan_(b.v)) return isnan_(b.v) ? b : a;
    return (LARGEST ? lt_(b.v, a.v) : lt_(a.v, b.v)) ? a : b;
  }
};
template <class T, bool LARGEST> struct BestElement : Best<T, LARGEST> {
  typedef T out;
  static LT_FN T result(typename Best<T, LARGEST>::acc a) { return a.v; }
};
template <class T, bool LARGEST> struct BestPlace : Best<T, LARGEST> {
  typedef i64 out;
  static LT_FN i64 result(typename Best<T, LARGEST>::acc a) { return a.at; }
};

// Elements of a piece, of a group, of a chunk, of a span; threads of a block, one for each piece of a chunk;
// groups of a chunk, pieces of a group, chunks of a span.
constexpr int PIECE = 8, GROUP = 128, CHUNK = 2048, SPAN = 65536;
constexpr int SCANNERS = CHUNK / PIECE, GROUPS = CHUNK / GROUP, PIECES = GROUP / PIECE, CHUNKS = SPAN / CHUNK;

// What is held of some elements, if of any.
template <class F> struct Some {
  typedef typename F::acc A;
  A a;
  bool any;
  LT_FN Some() : any(false) {}
  LT_FN void add(A b) {
    a = any ? F::join(a, b) : b;
    any = true;
  }
  LT_FN void add(const Some &b) {
    if (b.any) add(b.a);
  }
  LT_FN A before(A b) const { return any ? F::join(a, b) : b; }
};

// --- by one thread ------------------------------------------------------------------------------------

// What a thread holds that goes over a line.
template <class F> struct Running {
  typedef typename F::acc A;
  Some<F> piece, pieces, groups, chunks, spans, before;
  // What the element of place i comes to.
  LT_FN A next(A x, i64 i) {
    if (i % PIECE == 0 && i) turn(i);
    piece.add(x);
    return before.before(piece.a);
  }
  static LT_FN void close(Some<F> &of, Some<F> &within) {
    of.add(within);
    within.any = false;
  }
  LT_FN void turn(i64 i) {
    close(pieces, piece);
    if (i % GROUP == 0) {
      close(groups, pieces);
      if (i % CHUNK == 0) {
        close(chunks, groups);
        if (i % SPAN == 0) close(spans, chunks);
      }
    }
    before = spans;
    before.add(chunks);
    before.add(groups);
    before.add(pieces);
  }
};

// Some lines a block: pieces of them are copied to shared memory, where a thread has each line, and back.
// Words: to, from; lines, n, bytes between neighbours of both; lines of a block, columns of a piece,
// whether neighbouring lines lie closer than columns; sizes of R axes of lines, strides of both.
template <class F, class T, int R, class N> LT_FN void scan_lines(const i64 *w, char *memory) {
  typedef typename F::out O;
  constexpr int in = sizeof(lt::memory<T>), out = sizeof(lt::memory<O>), slot = in > out ? in : out;
  const int many = int(w[6]), wide = int(w[7]);
  const i64 first = i64(blockIdx.x) * many, n = w[3], *const sizes = w + 9;
  const int live = w[2] - first < many ? int(w[2] - first) : many;
  i64 *const to = reinterpret_cast<i64 *>(memory), *const from = to + many;
  char *const room = memory + 16 * many;
  if (threadIdx.x < live) {
    i64 at[R];
    split<R, N>(at, first + threadIdx.x, sizes);
    to[threadIdx.x] = w[0] + offset(at, sizes + R);
    from[threadIdx.x] = w[1] + offset(at, sizes + 2 * R);
  }
  __syncthreads();
  Running<F> held;
  for (i64 c0 = 0; c0 < n; c0 += wide) {
    const int here = n - c0 < wide ? int(n - c0) : wide;
    for (int k = threadIdx.x; k < many * wide; k += SCANNERS) {
      const int l = w[8] ? k % many : k / wide, c = w[8] ? k / many : k % wide;
      if (l < live && c < here)
        store<T>(room + (l * (wide + 1) + c) * slot, load<T>(pointer(from[l]) + (c0 + c) * w[5]));
    }
    __syncthreads();
    if (threadIdx.x < live) {
      char *p = room + threadIdx.x * (wide + 1) * slot;
      for (int c = 0; c < here; ++c, p += slot)
        store<O>(p, F::result(held.next(F::of(load<T>(p), c0 + c), c0 + c)));
    }
    __syncthreads();
    for (int k = threadIdx.x; k < many * wide; k += SCANNERS) {
      const int l = w[8] ? k % many : k / wide, c = w[8] ? k / many : k % wide;
      if (l < live && c < here)
        store<O>(pointer(to[l]) + (c0 + c) * w[4], load<O>(room + (l * (wide + 1) + c) * slot));
    }
    __syncthreads();
  }
}

// --- by blocks ----------------------------------------------------------------------------------------

// A block has a chunk of a line, a thread a piece. Words: to, from, what chunks hold; n, chunks, bytes
// between neighbours of both; sizes of R axes of lines, strides of both. Threads behind the line hold
// something that nobody asks for.
enum Part { WHOLE, TOTALS, REST };
template <class F, class T, Part PART, int R, class N>
LT_FN void scan_chunks(const i64 *w, char *memory) {
  typedef typename F::acc A;
  const i64 n = w[3], line = i64(N(blockIdx.x) / N(w[4])), chunk = blockIdx.x - line * w[4];
  const int t = threadIdx.x, group = t / PIECES, groups = (blockDim.x + PIECES - 1) / PIECES;
  const i64 first = chunk * CHUNK + t * PIECE, *const sizes = w + 7;
  i64 at[R];
  split<R, N>(at, line, sizes);
  const char *const from = pointer(w[1]) + offset(at, sizes + 2 * R);
  A held[PIECE];
#pragma unroll
  for (int k = 0; k < PIECE; ++k) {
    const i64 i = first + k < n ? first + k : n - 1;
    held[k] = F::of(load<T>(from + i * w[6]), i);
    if (k) held[k] = F::join(held[k - 1], held[k]);
  }
  // Of each group the pieces lie one behind the other, and a gap behind them.
  A *const pieces = reinterpret_cast<A *>(memory), *const sums = pieces + SCANNERS + GROUPS;
  pieces[t + group] = held[PIECE - 1];
  __syncthreads();
  if (t < groups) {
    A *const own = pieces + t * (PIECES + 1);
    A sum = own[0];
    for (int k = 1; k < PIECES && t * PIECES + k < blockDim.x; ++k) {
      const A next = own[k];
      own[k] = sum;
      sum = F::join(sum, next);
    }
    sums[t] = sum;
  }
  __syncthreads();
  A *const totals = reinterpret_cast<A *>(pointer(w[2]));
  if constexpr (PART == TOTALS) {
    if (t) return;
    A sum = sums[0];
    for (int k = 1; k < groups; ++k) sum = F::join(sum, sums[k]);
    totals[blockIdx.x] = sum;
  } else {
    Some<F> before, within;
    if constexpr (PART == REST)
      if (chunk) before.add(totals[blockIdx.x]);
    for (int k = 0; k < group; ++k) within.add(sums[k]);
    before.add(within);
    if (t % PIECES) before.add(pieces[t + group]);
    char *const to = pointer(w[0]) + offset(at, sizes + R);
#pragma unroll
    for (int k = 0; k < PIECE; ++k)
      if (first + k < n)
        store<typename F::out>(to + (first + k) * w[5], F::result(before.before(held[k])));
  }
}
// What each chunk of a line holds, replaced by what spans and chunks before it do, if any are; a block has a
// line, a thread a span. Words: where they are, how many of a line.
template <class F> LT_FN void scan_totals(const i64 *w, char *memory) {
  typedef typename F::acc A;
  A *const totals = reinterpret_cast<A *>(pointer(w[0])) + i64(blockIdx.x) * w[1];
  A *const spans = reinterpret_cast<A *>(memory);
  Some<F> carried;
  for (i64 round = 0; round < w[1]; round += SCANNERS * CHUNKS) {
    const i64 first = round + threadIdx.x * CHUNKS;
    const i64 end = first + CHUNKS < w[1] ? first + CHUNKS : w[1];
    Some<F> span;
    for (i64 i = first; i < end; ++i) span.add(totals[i]);
    if (span.any) spans[threadIdx.x] = span.a;
    __syncthreads();
    Some<F> before = carried, within;
    for (int k = 0; k < SCANNERS && round + k * CHUNKS < w[1]; ++k) {
      if (k == threadIdx.x) before = carried;
      carried.add(spans[k]);
    }
    for (i64 i = first; i < end; ++i) {
      const A next = totals[i];
      Some<F> sum = before;
      sum.add(within);
      if (sum.any) totals[i] = sum.a;
      within.add(next);
    }
    __syncthreads();
  }
}

// --- recurrences --------------------------------------------------------------------------------------

// Lines are cut into pieces of equal length, which begin at 0. Words: factors and sums, what they come to;
// lines, n, pieces, their length, bytes between neighbours of both arguments; sizes of R axes of lines,
// strides of both.
template <class T, int R, class N> LT_FN void begin_pieces(const i64 *w) {
  typedef typename Summed<T>::type A;
  const i64 t = thread_number();
  if (t >= w[4] * w[6]) return;
  const i64 line = i64(N(t) / N(w[6])), first = (t - line * w[6]) * w[7], *const sizes = w + 10;
  i64 at[R];
  split<R, N>(at, line, sizes);
  const char *p = pointer(w[0]) + offset(at, sizes + R) + first * w[8];
  const char *q = pointer(w[1]) + offset(at, sizes + 2 * R) + first * w[9];
  A *const factors = reinterpret_cast<A *>(pointer(w[2])) + line * w[5] + first;
  A *const sums = reinterpret_cast<A *>(pointer(w[3])) + line * w[5] + first;
  A factor, sum;
  for (i64 i = 0; i < w[7]; ++i, p += w[8], q += w[9]) {
    const A a = Scan<T>::of(load<T>(p), 0), b = Scan<T>::of(load<T>(q), 0);
    sum = i ? add_(b, mul_(a, sum)) : b;
    factor = i ? mul_(a, factor) : a;
    factors[i] = factor;
    sums[i] = sum;
  }
}
// What each piece of a line hands on, kept in the next one's end; then what is behind the pieces. Words as
// above, with ends in front of lines.
template <class T, int R, class N> LT_FN void join_pieces(const i64 *w) {
  typedef typename Summed<T>::type A;
  const i64 line = thread_number(), n = w[6], pieces = w[7], length = w[8], *const sizes = w + 11;
  if (line >= w[5]) return;
  i64 at[R];
  split<R, N>(at, line, sizes);
  const char *const p = pointer(w[0]) + offset(at, sizes + R);
  const char *const q = pointer(w[1]) + offset(at, sizes + 2 * R);
  const A *const factors = reinterpret_cast<const A *>(pointer(w[2])) + line * n;
  A *const sums = reinterpret_cast<A *>(pointer(w[3])) + line * n;
  A *const ends = reinterpret_cast<A *>(pointer(w[4])) + line * pieces;
  A end = sums[length - 1];
  ends[0] = end;
  for (i64 k = 1; k < pieces; ++k) {
    const i64 i = k * length + length - 1;
    ends[k] = end = add_(sums[i], mul_(factors[i], end));
  }
  for (i64 i = pieces * length; i < n; ++i) {
    const A a = Scan<T>::of(load<T>(p + i * w[9]), 0), b = Scan<T>::of(load<T>(q + i * w[10]), 0);
    sums[i] = end = add_(b, mul_(a, end));
  }
}
// Words: to, factors, sums, ends; lines, n, pieces, their length, bytes between results; sizes of R axes of
// lines, strides.
template <class T, int R, class N> LT_FN void end_pieces(const i64 *w) {
  typedef typename Summed<T>::type A;
  const i64 t = thread_number();
  if (t >= w[4] * w[5]) return;
  const i64 line = i64(N(t) / N(w[5])), i = t - line * w[5], k = i64(N(i) / N(w[7]));
  const i64 *const sizes = w + 9;
  i64 at[R];
  split<R, N>(at, line, sizes);
  A sum = reinterpret_cast<const A *>(pointer(w[2]))[t];
  if (k && k < w[6]) {
    const A end = reinterpret_cast<const A *>(pointer(w[3]))[line * w[6] + k - 1];
    sum = add_(sum, mul_(reinterpret_cast<const A *>(pointer(w[1]))[t], end));
  }
  store<T>(pointer(w[0]) + offset(at, sizes + R) + i * w[8], Scan<T>::result(sum));
}

}  // namespace lt
