// What solvers need besides libraries, of matrices that lie one behind another, in row-major order if nothing
// else is said.

namespace lt {

template <class T> LT_FN T number_(part<T> x) {
  if constexpr (kind<T> == 'c') return T{x, 0};
  else return x;
}
template <class T> LT_FN T conjugate_(T x) {
  if constexpr (kind<T> == 'c') return conj_(x);
  else return x;
}
template <class T> LT_FN part<T> real_part_(T x) {
  if constexpr (kind<T> == 'c') return x.re;
  else return x;
}
template <class T> LT_FN T element(i64 array, i64 i) {
  return load<T>(pointer(array) + i * i64(sizeof(memory<T>)));
}
template <class T> LT_FN void put(i64 array, i64 i, T x) {
  store<T>(pointer(array) + i * i64(sizeof(memory<T>)), x);
}
LT_FN f32 log_of(f32 x) { return ::logf(x); }
LT_FN f64 log_of(f64 x) { return ::log(x); }
LT_FN f32 exp_of(f32 x) { return ::expf(x); }
LT_FN f64 exp_of(f64 x) { return ::exp(x); }

// --- matrices that are made or cut --------------------------------------------------------------------

// Ones on the diagonals of square matrices, else zeros. Words: where; elements of all, rows.
template <class T> LT_FN void identity(const i64 *w) {
  const i64 t = thread_number(), n = w[2];
  if (t >= w[1]) return;
  const i64 i = t % (n * n);
  put<T>(w[0], t, number_<T>(part<T>(i / n == i % n)));
}
// Zeros under the diagonal, or above it. Words: where; elements of all, rows, columns.
template <class T, bool UPPER> LT_FN void triangle(const i64 *w) {
  const i64 t = thread_number();
  if (t >= w[1]) return;
  const i64 i = t % (w[2] * w[3]), row = i / w[3], column = i - row * w[3];
  if (UPPER ? row > column : row < column) put<T>(w[0], t, number_<T>(0));
}
// The adjoint of each. Words: to, from; elements of all, rows and columns of the result.
template <class T> LT_FN void adjoint(const i64 *w) {
  const i64 t = thread_number();
  if (t >= w[2]) return;
  const i64 whole = w[3] * w[4], matrix = t / whole, i = t - matrix * whole, row = i / w[4];
  const i64 from = matrix * whole + (i - row * w[4]) * w[3] + row;
  put<T>(w[0], t, conjugate_(element<T>(w[1], from)));
}
// Columns of V, or rows of its adjoint as columns, over values whose size is above two limits: one that is
// given, one times the largest of these sizes; others are 0. Words: to, from, values, limits; elements of all,
// rows, columns of the result. The values are in order.
template <class T, bool ADJOINT> LT_FN void over_values(const i64 *w) {
  typedef part<T> P;
  const i64 t = thread_number(), n = w[5], k = w[6];
  if (t >= w[4]) return;
  const i64 matrix = t / (n * k), i = t - matrix * n * k, row = i / k, column = i - row * k;
  const P value = element<P>(w[2], matrix * k + column);
  const P first = abs_(element<P>(w[2], matrix * k)), last = abs_(element<P>(w[2], matrix * k + k - 1));
  const P least = element<P>(w[3], matrix * 2);
  const P share = element<P>(w[3], matrix * 2 + 1) * max_(first, last);
  const P inverse = abs_(value) > max_(least, share) ? P(1) / value : P(0);
  const i64 from = ADJOINT ? matrix * n * k + column * n + row : t;
  T x = element<T>(w[1], from);
  if constexpr (ADJOINT) x = conjugate_(x);
  if constexpr (kind<T> == 'c') x = T{x.re * inverse, x.im * inverse};
  else x = x * inverse;
  put<T>(w[0], t, x);
}

// --- the exponential, cofactors -----------------------------------------------------------------------

// Each matrix times a number of its own. Words: matrices, numbers; elements of all, of each.
template <class T> LT_FN void scale(const i64 *w) {
  const i64 t = thread_number();
  if (t < w[2]) put<T>(w[0], t, mul_(element<T>(w[1], t / w[3]), element<T>(w[0], t)));
}
template <class T> LT_FN bool zero_(T x) {
  if constexpr (kind<T> == 'c') return x.re == 0 && x.im == 0;
  else return x == 0;
}
// Matrices whose determinant is 0, and zeros for others. Words: to, matrices, determinants; elements of all, of
// each.
template <class T> LT_FN void only_singular(const i64 *w) {
  const i64 t = thread_number();
  if (t < w[3]) put<T>(w[0], t, zero_(element<T>(w[2], t / w[4])) ? element<T>(w[1], t) : number_<T>(0));
}
// Columns times the products of all values but their own. Words: to, matrices, values; elements of all, rows.
template <class T> LT_FN void times_others(const i64 *w) {
  const i64 t = thread_number(), n = w[4];
  if (t >= w[3]) return;
  const i64 matrix = t / (n * n), own = t % n;
  part<T> by = 1;
  for (i64 i = 0; i < n; ++i)
    if (i != own) by = by * element<part<T>>(w[2], matrix * n + i);
  const T x = element<T>(w[1], t);
  if constexpr (kind<T> == 'c') put<T>(w[0], t, T{x.re * by, x.im * by});
  else put<T>(w[0], t, x * by);
}
// Matrices whose determinant is 0 replaced by conjugates of others times two numbers. Words: matrices,
// determinants, others, numbers; elements of all, of each.
template <class T> LT_FN void put_singular(const i64 *w) {
  const i64 t = thread_number(), matrix = t / w[6];
  if (t >= w[5] || !zero_(element<T>(w[1], matrix))) return;
  const T by = mul_(element<T>(w[3], matrix), element<T>(w[4], matrix));
  put<T>(w[0], t, mul_(by, conjugate_(element<T>(w[2], t))));
}
// How often each matrix is to be halved so that its greatest sum of sizes of a column is below `reach`; not at
// all where that isn't finite. A block for each matrix. Words: to, matrices; rows, the bits of `reach`.
constexpr int NORMERS = 256;
template <class T> LT_FN void halvings(const i64 *w, char *memory) {
  f64 *const room = reinterpret_cast<f64 *>(memory);
  const i64 n = w[2], first = i64(blockIdx.x) * n * n;
  f64 norm = 0;
  for (i64 column = threadIdx.x; column < n; column += NORMERS) {
    f64 sum = 0;
    for (i64 row = 0; row < n; ++row) sum += f64(abs_(element<T>(w[1], first + row * n + column)));
    norm = max_(norm, sum);
  }
  room[threadIdx.x] = norm;
  __syncthreads();
  if (threadIdx.x) return;
  for (int k = 1; k < NORMERS; ++k) norm = max_(norm, room[k]);
  int exponent = 0;
  if (isfinite_(norm)) ::frexp(norm / bits_as<f64>(w[3]), &exponent);
  put<i32>(w[0], blockIdx.x, exponent > 0 ? exponent : 0);
}
template <class To, class T> LT_FN To converted(T x, f64 factor) {
  if constexpr (kind<T> == 'c') return To{part<To>(f64(x.re) * factor), part<To>(f64(x.im) * factor)};
  else return To(f64(x) * factor);
}
// Matrices in another type, halved as often as somebody says. Words: to, from, how often; elements of all, of
// each.
template <class To, class T> LT_FN void halve(const i64 *w) {
  const i64 t = thread_number();
  if (t >= w[3]) return;
  put<To>(w[0], t, converted<To>(element<T>(w[1], t), ::ldexp(1.0, -element<i32>(w[2], t / w[4]))));
}
// Words: to, from; elements of all.
template <class To, class T> LT_FN void convert(const i64 *w) {
  const i64 t = thread_number();
  if (t < w[2]) put<To>(w[0], t, converted<To>(element<T>(w[1], t), 1));
}
// A matrix, where it is BASED on one, plus COUNT others times numbers, from the first to the last, plus a number
// on diagonals. Words: to, matrices; elements of all, rows, the bits of the numbers.
template <class T, bool BASED, int COUNT> LT_FN void combine(const i64 *w) {
  const i64 t = thread_number(), *const rest = w + 1 + BASED + COUNT, n = rest[1];
  if (t >= rest[0]) return;
  T sum;
  if constexpr (BASED) sum = element<T>(w[1], t);
#pragma unroll
  for (int k = 0; k < COUNT; ++k) {
    const T x = converted<T>(element<T>(w[1 + BASED + k], t), bits_as<f64>(rest[2 + k]));
    sum = BASED || k ? add_(sum, x) : x;
  }
  const i64 i = t % (n * n);
  if (i / n == i % n) sum = add_(sum, number_<T>(bits_as<f64>(rest[2 + COUNT])));
  put<T>(w[0], t, sum);
}
// Matrices replaced by others where they are to be squared more often than so many times. Words: matrices,
// others, how often; elements of all, of each, how many times.
template <class T> LT_FN void replace(const i64 *w) {
  const i64 t = thread_number();
  if (t < w[3] && element<i32>(w[2], t / w[4]) > w[5]) put<T>(w[0], t, element<T>(w[1], t));
}

// --- what factors tell --------------------------------------------------------------------------------

// The order of rows that exchanging each with its pivot makes, a thread for each line. Words: to, pivots,
// status; lines, rows, pivots of a line, bytes between neighbours of both; sizes of R axes of lines, strides
// of both.
template <int R, class N> LT_FN void row_order(const i64 *w) {
  const i64 line = thread_number(), rows = w[4], *const sizes = w + 8;
  if (line >= w[3]) return;
  i64 at[R];
  split<R, N>(at, line, sizes);
  char *const to = pointer(w[0]) + offset(at, sizes + R);
  const char *const pivots = pointer(w[1]) + offset(at, sizes + 2 * R);
  for (i64 i = 0; i < rows; ++i) store<i64>(to + i * w[6], i);
  for (i64 i = 0; i < w[5]; ++i) {
    const i64 given = i64(load<i32>(pivots + i * w[7])) - 1, place = given < 0 ? given + rows : given;
    if (place < 0 || place >= rows || i >= rows) {
      report(w[2], line * w[5] + i + 1, given);
      return;
    }
    const i64 one = load<i64>(to + i * w[6]), other = load<i64>(to + place * w[6]);
    store<i64>(to + i * w[6], other);
    store<i64>(to + place * w[6], one);
  }
}
// The order of the first minor that is not positive, where the library has not told of one: of the places on
// the diagonal of a factor that are not positive the first. A thread for each matrix. Words: factors, infos;
// matrices, rows.
template <class T> LT_FN void positive(const i64 *w) {
  const i64 t = thread_number(), n = w[3];
  if (t >= w[2]) return;
  i32 info = element<i32>(w[1], t);
  info = info < 0 ? 0 : info;
  for (i64 i = 0; i < n && !info; ++i)
    if (!(real_part_(element<T>(w[0], (t * n + i) * n + i)) > 0)) info = i32(i + 1);
  put<i32>(w[1], t, info);
}
// Sign, and logarithm of the size, of what factors and pivots of square matrices have for determinants, or
// the determinant. A warp for each matrix. Words: sign, logarithm, factors, pivots, infos; rows.
template <class T, bool WHOLE> LT_FN void determinant(const i64 *w) {
  typedef part<T> P;
  const i64 matrix = blockIdx.x, n = w[5];
  const int lane = threadIdx.x;
  P log = 0;
  T sign = number_<T>(1);
  for (i64 i = lane; i < n; i += 32) {
    const T x = element<T>(w[2], (matrix * n + i) * n + i);
    const P size = abs_(x);
    if (element<i32>(w[3], matrix * n + i) != i + 1) sign = neg_(sign);
    if constexpr (kind<T> == 'c') sign = mul_(sign, T{x.re / size, x.im / size});
    else if (x < 0) sign = -sign;
    log += log_of(size);
  }
#pragma unroll
  for (int d = 16; d; d /= 2) {
    sign = mul_(sign, from_lane(sign, lane + d & 31));
    log += from_lane(log, lane + d & 31);
  }
  if (lane) return;
  if (n && element<i32>(w[4], matrix) > 0) {
    sign = number_<T>(0);
    log = least<P>();
  }
  if constexpr (WHOLE) {
    const P size = exp_of(log);
    if constexpr (kind<T> == 'c') put<T>(w[0], matrix, mul_(sign, T{size, 0}));
    else put<T>(w[0], matrix, sign * size);
  } else {
    put<T>(w[0], matrix, sign);
    put<P>(w[1], matrix, log);
  }
}
// Reports the first number that tells that something can't be done: an info above 0; NaN, or what is not
// finite either. Words: numbers, status; how many.
template <class T, bool FINITE> LT_FN void refused(const i64 *w) {
  const i64 t = thread_number();
  if (t >= w[2]) return;
  const T x = element<T>(w[0], t);
  bool bad;
  if constexpr (is_integer<T>) bad = x > 0;
  else bad = FINITE ? !isfinite_(x) : isnan_(x);
  if (bad) report(w[1], t + 1, 0);
}

}  // namespace lt
