// Symmetric and Hermitian matrices as L D L^T by Bunch and Kaufman's pivots, as `ops/_factor.py` has it: D has
// blocks of one and of two, and a pivot below 0 is one of a block of two.

namespace lt {

constexpr int WARP = 32;

// x and y with a x + b y = p, c x + d y = q, where b and c are the largest.
template <class T> struct Pair { T x, y; };
template <class T> LT_FN Pair<T> solved(T a, T b, T c, T d, T p, T q) {
  const T one = number_<T>(1), r = div_(a, b), s = div_(d, c), u = div_(p, b), v = div_(q, c);
  const T by = sub_(mul_(r, s), one);
  return Pair<T>{div_(sub_(mul_(s, u), v), by), div_(sub_(mul_(r, v), u), by)};
}
template <bool CONJUGATED, class T> LT_FN T other_side(T x) {
  if constexpr (CONJUGATED) return conjugate_(x);
  else return x;
}
template <class T> LT_FN void exchange(T &x, T &y) {
  const T kept = x;
  x = y, y = kept;
}

// --- solutions ----------------------------------------------------------------------------------------

constexpr int SIDES = 32;

// An array of which a block has rows and columns.
template <class T> struct Seen {
  char *p;
  i64 row, column;
  LT_FN T get(i64 i, i64 j) const { return load<T>(p + i * row + j * column); }
  LT_FN void put(i64 i, i64 j, T x) const { store<T>(p + i * row + j * column, x); }
};

// A block has up to SIDES right-hand sides of a matrix, its threads their elements. Words: to, factors, pivots,
// right-hand sides, status; rows, right-hand sides, blocks of a matrix; bytes between rows and between columns of
// the result, of factors, of right-hand sides, between pivots; sizes of R axes of matrices, strides of the result,
// factors, pivots, right-hand sides.
template <class T, bool HERMITIAN, int R, class N> LT_FN void ldl_solve(const i64 *w) {
  const i64 n = w[5], matrix = blockIdx.x / w[7], first = (blockIdx.x - matrix * w[7]) * SIDES;
  const i64 *const sizes = w + 15;
  const i64 sides = w[6] - first < SIDES ? w[6] - first : SIDES;
  i64 at[R];
  split<R, N>(at, matrix, sizes);
  const Seen<T> x{pointer(w[0]) + offset(at, sizes + R) + first * w[9], w[8], w[9]};
  const Seen<T> a{pointer(w[1]) + offset(at, sizes + 2 * R), w[10], w[11]};
  const char *const pivots = pointer(w[2]) + offset(at, sizes + 3 * R);
  const Seen<T> b{pointer(w[3]) + offset(at, sizes + 4 * R) + first * w[13], w[12], w[13]};
  const auto exchanged = [&](i64 one, i64 two) {
    for (i64 side = threadIdx.x; side < sides && one != two; side += blockDim.x) {
      const T kept = x.get(one, side);
      x.put(one, side, x.get(two, side));
      x.put(two, side, kept);
    }
    __syncthreads();
  };
  for (i64 i = threadIdx.x; i < n * sides; i += blockDim.x)
    x.put(i / sides, i % sides, b.get(i / sides, i % sides));
  __syncthreads();
  int step;
  for (i64 k = 0; k < n; k += step) {
    const i64 pivot = load<i32>(pivots + k * w[14]), size = pivot < 0 ? -pivot : pivot;
    const i64 place = size ? size - 1 : n - 1;
    step = pivot > 0 ? 1 : 2;
    const i64 last = k + step - 1;
    if (place >= n || last >= n) {
      if (!threadIdx.x) report(w[4], matrix * n + k + 1, pivot);
      return;
    }
    exchanged(last, place);
    for (i64 i = threadIdx.x; i < (n - last - 1) * sides; i += blockDim.x) {
      const i64 row = last + 1 + i / sides, side = i % sides;
      T y = sub_(x.get(row, side), mul_(a.get(row, k), x.get(k, side)));
      if (step == 2) y = sub_(y, mul_(a.get(row, last), x.get(last, side)));
      x.put(row, side, y);
    }
    __syncthreads();
    for (i64 side = threadIdx.x; side < sides; side += blockDim.x) {
      if (step == 1) {
        x.put(k, side, div_(x.get(k, side), a.get(k, k)));
        continue;
      }
      const T low = a.get(last, k);
      const T p = x.get(k, side), q = x.get(last, side);
      const Pair<T> both = solved(a.get(k, k), other_side<HERMITIAN>(low), low, a.get(last, last), p, q);
      x.put(k, side, both.x);
      x.put(last, side, both.y);
    }
    __syncthreads();
  }
  const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
  for (i64 end = n; end > 0; end -= step) {
    const i64 pivot = load<i32>(pivots + (end - 1) * w[14]), size = pivot < 0 ? -pivot : pivot;
    step = pivot > 0 || end == 1 ? 1 : 2;
    for (i64 i = warp; i < step * sides; i += warps) {
      const i64 k = end - step + i / sides, side = i % sides;
      T sum = number_<T>(0);
      for (i64 row = end + lane; row < n; row += WARP)
        sum = add_(sum, mul_(other_side<HERMITIAN>(a.get(row, k)), x.get(row, side)));
#pragma unroll
      for (int d = WARP / 2; d; d /= 2) sum = add_(sum, from_lane(sum, lane + d & WARP - 1));
      if (!lane) x.put(k, side, sub_(x.get(k, side), sum));
    }
    __syncthreads();
    exchanged(end - 1, size ? size - 1 : n - 1);
  }
}

// --- factors of Hermitian matrices --------------------------------------------------------------------

// |re| + |im|, by which pivots are chosen.
template <class T> LT_FN f64 size1(T x) { return f64(abs_(x.re) + abs_(x.im)); }
// The largest of what threads have, and where it is first; NaN is larger than all.
struct Largest {
  f64 v;
  i64 at;
  LT_FN bool before(const Largest &b) const {
    if (nan_(v) || nan_(b.v)) return nan_(v) && (!nan_(b.v) || at < b.at);
    return v > b.v || (v == b.v && at < b.at);
  }
};
template <class Value> LT_FN Largest largest(Largest *room, i64 first, i64 n, Value value) {
  Largest own{-1, n};
  for (i64 i = first + threadIdx.x; i < n; i += blockDim.x) {
    const Largest next{value(i), i};
    if (next.before(own)) own = next;
  }
  room[threadIdx.x] = own;
  __syncthreads();
  for (int d = WARP; d < blockDim.x && threadIdx.x < WARP; d += WARP) {
    const Largest next = room[threadIdx.x + d];
    if (next.before(own)) room[threadIdx.x] = own = next;
  }
  __syncthreads();
  own = room[0];
  for (int k = 1; k < WARP; ++k)
    if (room[k].before(own)) own = room[k];
  __syncthreads();
  return own;
}

// A block for each matrix, which lies column by column. Words: matrices, pivots, infos, memory for two columns of
// each; rows. Only the lower triangle is read and written.
template <class T> LT_FN void hermitian_factors(const i64 *w, char *memory) {
  const i64 n = w[4], matrix = blockIdx.x, t = threadIdx.x, threads = blockDim.x;
  T *const a = reinterpret_cast<T *>(pointer(w[0])) + matrix * n * n;
  T *const left = reinterpret_cast<T *>(pointer(w[3])) + matrix * 2 * n;
  Largest *const room = reinterpret_cast<Largest *>(memory);
  const auto of = [&](i64 row, i64 column) -> T & { return a[column * n + row]; };
  const f64 alpha = (1 + 4.12310562561766054982) / 8;
  i32 info = 0;
  int step;
  for (i64 k = 0; k < n; k += step) {
    if (!t) of(k, k).im = 0;
    __syncthreads();
    const Largest column = largest(room, k + 1, n, [&](i64 i) { return size1(of(i, k)); });
    const f64 own = size1(of(k, k)), most = k + 1 < n ? column.v : 0;
    i64 place = k;
    step = 1;
    if ((most > own ? most : own) == 0 || nan_(own)) {
      info = info ? info : i32(k + 1);
      if (!t) put<i32>(w[1], matrix * n + k, i32(k + 1));
      continue;
    }
    if (!(own >= alpha * most)) {
      place = column.at;
      const f64 across = largest(room, k, n, [&](i64 i) {
        return i == place ? 0.0 : size1(i < place ? of(place, i) : of(i, place));
      }).v;
      if (own >= alpha * most * (most / across)) place = k;
      else if (!(size1(of(place, place)) >= alpha * across)) step = 2;
    }
    // Rows and columns of what the lower triangle stands for are exchanged.
    const i64 row = k + step - 1, rest = row + 1;
    if (place != row) {
      __syncthreads();
      for (i64 i = place + 1 + t; i < n; i += threads) exchange(of(i, row), of(i, place));
      for (i64 i = rest + t; i < place; i += threads) {
        const T kept = of(i, row);
        of(i, row) = conj_(of(place, i));
        of(place, i) = conj_(kept);
      }
      if (!t) {
        of(place, row) = conj_(of(place, row));
        of(place, place).im = 0;
        exchange(of(row, row), of(place, place));
        if (step == 2) exchange(of(row, k), of(place, k));
      }
      __syncthreads();
    }
    // The block is taken out of what is below and right of it.
    for (i64 i = rest + t; i < n; i += threads) {
      const T x = of(i, k);
      left[i] = x;
      if (step == 1) of(i, k) = div_(x, of(k, k));
      else {
        const T low = of(row, k), y = of(i, row);
        const Pair<T> both = solved(of(k, k), low, conj_(low), of(row, row), x, y);
        left[n + i] = y;
        of(i, k) = both.x;
        of(i, row) = both.y;
      }
    }
    __syncthreads();
    for (i64 j = rest + t / WARP; j < n; j += threads / WARP) {
      const T first = conj_(left[j]), second = step == 2 ? conj_(left[n + j]) : number_<T>(0);
      for (i64 i = j + t % WARP; i < n; i += WARP) {
        T sum = mul_(of(i, k), first);
        if (step == 2) sum = add_(sum, mul_(of(i, row), second));
        T x = sub_(of(i, j), sum);
        if (i == j) x.im = 0;
        of(i, j) = x;
      }
    }
    if (t < step) put<i32>(w[1], matrix * n + k + t, i32(step == 1 ? place + 1 : -(place + 1)));
    __syncthreads();
  }
  if (!t) put<i32>(w[2], matrix, info);
}

}  // namespace lt
