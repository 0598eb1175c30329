// Scalar instructions on complex numbers.

namespace lt {

template <class C> struct Complex {};
template <> struct Complex<c64> { typedef c64 type; };
template <> struct Complex<c128> { typedef c128 type; };
template <class C> using complex = typename Complex<C>::type;

LT_FN c64 complex_(f32 x, f32 y) { return c64{x, y}; }
LT_FN c128 complex_(f64 x, f64 y) { return c128{x, y}; }
LT_FN f32 real_(c64 x) { return x.re; }
LT_FN f64 real_(c128 x) { return x.re; }
LT_FN f32 imag_(c64 x) { return x.im; }
LT_FN f64 imag_(c128 x) { return x.im; }
LT_FN c64 conj_(c64 x) { return c64{x.re, -x.im}; }
LT_FN c128 conj_(c128 x) { return c128{x.re, -x.im}; }
LT_FN c64 neg_(c64 x) { return c64{-x.re, -x.im}; }
LT_FN c128 neg_(c128 x) { return c128{-x.re, -x.im}; }

#define LT_COMPLEX(C)                                                                              \
  LT_FN C add_(C x, C y) { return C{x.re + y.re, x.im + y.im}; }                                   \
  LT_FN C sub_(C x, C y) { return C{x.re - y.re, x.im - y.im}; }                                   \
  LT_FN C mul_(C x, C y) {                                                                         \
    return C{x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re};                                \
  }                                                                                                \
  LT_FN C div_(C x, C y) { return quotient(x, y); }                                                \
  LT_FN part<C> abs_(C x) { return hypot_(x.re, x.im); }

// R. L. Smith, Algorithm 116: Complex division, CACM 5 (1962).
template <class C> LT_FN C quotient(C x, C y) {
  typedef part<C> F;
  const F size = abs_(y.re), other = abs_(y.im);
  if (size == 0 && other == 0) return C{x.re / size, x.im / size};
  if (size >= other) {
    const F ratio = y.im / y.re, scale = F(1) / (y.re + y.im * ratio);
    return C{(x.re + x.im * ratio) * scale, (x.im - x.re * ratio) * scale};
  }
  const F ratio = y.re / y.im, scale = F(1) / (y.im + y.re * ratio);
  return C{(x.re * ratio + x.im) * scale, (x.im * ratio - x.re) * scale};
}
LT_COMPLEX(c64)
LT_COMPLEX(c128)
#undef LT_COMPLEX

}  // namespace lt
