// Elements computed in a number of steps that depends on them.

namespace lt {

// A thread's element of M arrays: words are their addresses, how many elements there are, then sizes of R
// axes and strides of each array.
template <int M, int R, class N> struct Here {
  char *p[M];
  bool there;
  LT_FN explicit Here(const i64 *w) {
    const i64 t = thread_number();
    there = t < w[M];
    i64 at[R];
    split<R, N>(at, there ? t : 0, w + M + 1);
#pragma unroll
    for (int m = 0; m < M; ++m) p[m] = pointer(w[m]) + offset(at, w + M + 1 + (m + 1) * R);
  }
};

template <class T> LT_FN u64 magnitude(T x) {
  return x < T(0) ? u64(0) - u64(x) : u64(x);
}
template <class T, int R, class N> LT_FN void common_divisor(const i64 *w) {
  const Here<3, R, N> here(w);
  if (!here.there) return;
  u64 x = magnitude(load<T>(here.p[1])), y = magnitude(load<T>(here.p[2]));
  while (y) {
    const u64 rest = x % y;
    x = y, y = rest;
  }
  store<T>(here.p[0], T(x));
}

// The mantissa, in [1/2, 1) with the sign of x, and the exponent of two; of what has none x and 0.
LT_FN f64 mantissa(f64 x, i32 &exponent) {
  exponent = 0;
  if (x == 0 || !isfinite_(x)) return x;
  if (::fabs(x) < 0x1p-1022) x *= 0x1p64, exponent = -64;
  const u64 b = bits_as<u64>(x);
  exponent += i32(b >> 52 & 0x7ff) - 1022;
  return bits_as<f64>((b & 0x800fffffffffffffull) | 0x3fe0000000000000ull);
}
template <class T, int R, class N> LT_FN void parts_of(const i64 *w) {
  const Here<3, R, N> here(w);
  if (!here.there) return;
  i32 exponent;
  const f64 x = mantissa(f64(source(load<T>(here.p[2]))), exponent);
  store<T>(here.p[0], cast_<T>(x));
  store<i32>(here.p[1], exponent);
}

// Orthogonal polynomials by a, b, c of p[k + 1] = (a x + b) p[k] - c p[k - 1], DLMF 18.9.1.
#define LT_FAMILY(NAME, A, B, C)                                                                   \
  struct NAME {                                                                                    \
    static LT_FN f64 a(f64 k) { return A; }                                                        \
    static LT_FN f64 b(f64 k) { return B; }                                                        \
    static LT_FN f64 c(f64 k) { return C; }                                                        \
  };
LT_FAMILY(chebyshev_t, k == 0 ? 1.0 : 2.0, 0.0, 1.0)
LT_FAMILY(chebyshev_u, 2.0, 0.0, 1.0)
LT_FAMILY(chebyshev_v, 2.0, k == 0 ? -1.0 : 0.0, 1.0)
LT_FAMILY(chebyshev_w, 2.0, k == 0 ? 1.0 : 0.0, 1.0)
LT_FAMILY(hermite_h, 2.0, 0.0, 2.0 * k)
LT_FAMILY(hermite_he, 1.0, 0.0, k)
LT_FAMILY(laguerre_l, -1.0 / (k + 1), (2 * k + 1) / (k + 1), k / (k + 1))
LT_FAMILY(legendre_p, (2 * k + 1) / (k + 1), 0.0, k / (k + 1))
#undef LT_FAMILY

// The derivative of some order.
template <class F, int ORDER> LT_FN f64 polynomial(f64 x, f64 degree) {
  if (!(degree >= 0) || infinite_(degree)) return degree < 0 ? 0.0 : bits_as<f64>(0x7ff8000000000000ull);
  f64 now[ORDER + 1] = {1.0}, before[ORDER + 1] = {};
  for (f64 k = 0; k < degree; ++k) {
    const f64 a = F::a(k), b = F::b(k), c = F::c(k);
    f64 lower = 0;
#pragma unroll
    for (int d = 0; d <= ORDER; ++d) {
      const f64 p = now[d];
      now[d] = (a * x + b) * p - c * before[d] + (d ? d * a * lower : 0.0);
      before[d] = lower = p;
    }
  }
  return now[ORDER];
}
template <class T, class F, int ORDER, int R, class N> LT_FN void polynomials(const i64 *w) {
  const Here<3, R, N> here(w);
  if (!here.there) return;
  const f64 x = f64(source(load<T>(here.p[1]))), n = f64(source(load<T>(here.p[2])));
  store<T>(here.p[0], cast_<T>(polynomial<F, ORDER>(x, ::trunc(n))));
}

// What incomplete gamma functions take a number of steps for that depends on them, as `ops/_gamma.py` has it:
// 1 + x/(a+1) + x^2/((a+1)(a+2)) + ..., DLMF 8.11.4.
LT_FN f64 gamma_series(f64 a, f64 x) {
  f64 total = 1, term = 1;
  for (f64 n = 1; term > total * 1e-17; ++n) {
    term = term * (x / (a + n));
    total = total + term;
  }
  return total;
}
// gamma(a, x) exp(x) x^-a by the continued fraction DLMF 8.9.2, with Lentz's method.
LT_FN f64 gamma_fraction(f64 a, f64 x) {
  const f64 tiny = 1e-300;
  f64 b = x + 1 - a, c = 1 / tiny, d = 1 / (b == 0 ? tiny : b), found = d;
  for (int n = 1; n < 10000; ++n) {
    const f64 step = -n * (n - a);
    b = b + 2;
    d = step * d + b;
    c = b + step / c;
    d = 1 / (d == 0 ? tiny : d);
    c = c == 0 ? tiny : c;
    found = found * d * c;
    if (!(::fabs(d * c - 1) > 1e-15)) break;
  }
  return found;
}

}  // namespace lt
