// Elementary functions of complex numbers, with the special values of C's annex G. They are computed in
// double; of single ones the results are rounded. W. Kahan, Branch cuts for complex elementary functions
// (1987), has the formulas of the inverse ones.

namespace lt {

constexpr f64 PI = 3.14159265358979323846, LN2 = 0.69314718055994530942;
constexpr f64 MOST_EXPONENT = 709;  // exp of it is finite

LT_FN f64 no_number() { return bits_as<f64>(0x7ff8000000000000ull); }
LT_FN f64 infinity() { return bits_as<f64>(0x7ff0000000000000ull); }
LT_FN bool finite_(f64 x) { return ::fabs(x) < infinity(); }
LT_FN c128 turned(c128 z) { return c128{-z.im, z.re}; }       // i z
LT_FN c128 turned_back(c128 z) { return c128{z.im, -z.re}; }  // -i z

LT_CALLED c128 square_root(c128 z) {
  const f64 x = z.re, y = z.im;
  if (infinite_(y)) return c128{infinity(), y};
  if (nan_(x)) return c128{x, no_number()};
  if (infinite_(x)) {
    const f64 other = nan_(y) ? y : 0;
    return x > 0 ? c128{x, nan_(y) ? y : copysign_(0.0, y)}
                 : c128{other, nan_(y) ? infinity() : copysign_(infinity(), y)};
  }
  if (nan_(y)) return c128{y, y};
  if (x == 0 && y == 0) return c128{0, y};
  // Scaled by a power of four, so that nothing overflows, nor is subnormal.
  const f64 size = ::fmax(::fabs(x), ::fabs(y));
  const f64 by = size > 1e300 ? 0.0625 : size < 1e-290 ? 0x1p120 : 1;
  const f64 back = size > 1e300 ? 4 : size < 1e-290 ? 0x1p-60 : 1;
  const f64 a = ::fabs(x) * by, b = y * by, r = ::sqrt((a + ::hypot(a, b)) * 0.5);
  return x >= 0 ? c128{r * back, b / (2 * r) * back}
                : c128{::fabs(b) / (2 * r) * back, copysign_(r * back, y)};
}

// exp(x) (c, s), where exp(x) alone may overflow.
LT_FN c128 scaled(f64 x, f64 c, f64 s) {
#pragma unroll
  for (int k = 0; k < 2; ++k)
    if (x > MOST_EXPONENT) {
      const f64 e = ::exp(MOST_EXPONENT);
      c *= e, s *= e, x -= MOST_EXPONENT;
    }
  const f64 e = ::exp(x);
  return c128{e * c, e * s};
}
LT_CALLED c128 exponential(c128 z) {
  const f64 x = z.re, y = z.im;
  if (y == 0) return c128{::exp(x), y};
  if (!finite_(y)) {
    if (x == -infinity()) return c128{0, copysign_(0.0, y)};
    return c128{x == infinity() ? x : no_number(), no_number()};
  }
  if (x == -infinity()) return c128{copysign_(0.0, ::cos(y)), copysign_(0.0, ::sin(y))};
  return scaled(x, ::cos(y), ::sin(y));
}
LT_CALLED c128 exponential_less_one(c128 z) {
  const f64 x = z.re, y = z.im;
  if (y == 0) return c128{::expm1(x) + 0.0, y};
  if (!finite_(y) && infinite_(x)) return x < 0 ? c128{-1, 0} : c128{x, no_number()};
  const f64 a = ::sin(y * 0.5);
  return c128{::expm1(x) * ::cos(y) - 2 * a * a, exponential(z).im};
}

// The logarithm of |z|; near 1 by x^2 + y^2 - 1 with all its digits.
LT_FN f64 log_size(f64 x, f64 y) {
  const f64 a = ::fmax(::fabs(x), ::fabs(y)), b = ::fmin(::fabs(x), ::fabs(y));
  if (a > 1e300 && finite_(a)) return ::log(::hypot(a * 0.25, b * 0.25)) + 2 * LN2;
  if (a < 1e-300 && a > 0) return ::log(::hypot(a * 0x1p200, b * 0x1p200)) - 200 * LN2;
  if (!(a > 0.7 && a < 1.5)) return ::log(::hypot(x, y));
  const f64 p = a * a, q = b * b, low = ::fma(a, a, -p) + ::fma(b, b, -q);
  const f64 d = p - 1, s = d + q, t = s - d;
  return 0.5 * ::log1p(s + ((d - (s - t)) + (q - t) + low));
}
LT_CALLED c128 logarithm(c128 z) {
  const f64 size = infinite_(z.re) || infinite_(z.im) ? infinity() : log_size(z.re, z.im);
  return c128{nan_(z.re) || nan_(z.im) ? (size == infinity() ? size : no_number()) : size,
              ::atan2(z.im, z.re)};
}
LT_CALLED c128 logarithm_of_more(c128 z) {
  const f64 x = z.re, y = z.im;
  if (!(::fabs(x) < 0.5 && ::fabs(y) < 0.5)) return logarithm(c128{x + 1, y});
  return c128{0.5 * ::log1p(x * (2 + x) + y * y), ::atan2(y, x + 1)};
}

LT_CALLED c128 hyperbolic_sine(c128 z) {
  const f64 x = z.re, y = z.im;
  if (y == 0) return c128{::sinh(x), y};
  if (!finite_(y)) return c128{x == 0 || infinite_(x) ? x : no_number(), no_number()};
  const f64 c = ::cos(y), s = ::sin(y);
  if (nan_(x)) return c128{x, x};
  if (::fabs(x) <= MOST_EXPONENT) return c128{::sinh(x) * c, ::cosh(x) * s};
  const c128 e = scaled(::fabs(x), c * 0.5, s * 0.5);
  return c128{x < 0 ? -e.re : e.re, e.im};
}
LT_CALLED c128 hyperbolic_cosine(c128 z) {
  const f64 x = z.re, y = z.im;
  if (y == 0) return c128{::cosh(x), nan_(x) ? y : copysign_(0.0, x) * copysign_(1.0, y)};
  if (!finite_(y)) {
    const f64 size = infinite_(x) ? infinity() : no_number();
    return c128{size, x == 0 ? copysign_(0.0, nan_(y) ? x : x * copysign_(1.0, y)) : no_number()};
  }
  const f64 c = ::cos(y), s = ::sin(y);
  if (nan_(x)) return c128{x, x};
  if (::fabs(x) <= MOST_EXPONENT) return c128{::cosh(x) * c, ::sinh(x) * s};
  const c128 e = scaled(::fabs(x), c * 0.5, s * 0.5);
  return c128{e.re, x < 0 ? -e.im : e.im};
}
LT_CALLED c128 hyperbolic_tangent(c128 z) {
  const f64 x = z.re, y = z.im;
  if (infinite_(x)) return c128{copysign_(1.0, x), finite_(y) ? copysign_(0.0, y) : 0.0};
  if (y == 0) return c128{::tanh(x), y};
  if (!finite_(y)) return c128{x == 0 ? x : no_number(), no_number()};
  if (nan_(x)) return c128{x, x};
  const f64 c = ::cos(y), s = ::sin(y);
  if (::fabs(x) > 350) return c128{copysign_(1.0, x), 4 * s * c * ::exp(-2 * ::fabs(x))};
  const f64 h = ::sinh(x), by = h * h + c * c;
  return c128{h * ::cosh(x) / by, s * c / by};
}

LT_CALLED c128 area_sine(c128 z) {
  const f64 x = z.re, y = z.im;
  if (infinite_(x) || infinite_(y)) return c128{copysign_(infinity(), x), ::atan2(y, ::fabs(x))};
  if (nan_(x) || nan_(y)) return c128{no_number(), y == 0 ? y : no_number()};
  if (x == 0 && y == 0) return z;
  const c128 a = square_root(c128{1 + y, -x}), b = square_root(c128{1 - y, x});
  const f64 across = a.im * b.re - a.re * b.im, along = a.re * b.re - a.im * b.im;
  const bool huge = ::fabs(x) > 1e150 || ::fabs(y) > 1e150;
  const f64 size = huge ? log_size(x, y) + LN2 : ::asinh(::fabs(across));
  return c128{copysign_(size, x), copysign_(::atan(::fabs(y) / ::fabs(along)), y)};
}
LT_CALLED c128 area_cosine(c128 z) {
  const f64 x = z.re, y = z.im;
  if (infinite_(x) || infinite_(y)) return c128{infinity(), ::atan2(y, x)};
  if (nan_(x) || nan_(y)) return c128{no_number(), x == 0 ? PI / 2 : no_number()};
  if (::fabs(x) > 1e150 || ::fabs(y) > 1e150)
    return c128{log_size(x, y) + LN2, ::atan2(y, x)};
  const c128 a = square_root(c128{x - 1, y}), b = square_root(c128{x + 1, y});
  return c128{::asinh(a.re * b.re + a.im * b.im), 2 * ::atan2(a.im, b.re)};
}
LT_CALLED c128 area_tangent(c128 z) {
  const f64 x = z.re, y = z.im, a = ::fabs(x), b = ::fabs(y);
  if (infinite_(x) || infinite_(y))
    return c128{copysign_(0.0, x), nan_(y) ? y : copysign_(PI / 2, y)};
  if (nan_(x) || nan_(y)) return c128{x == 0 ? x : no_number(), no_number()};
  if (a > 1e150 || b > 1e150) {
    const f64 size = ::hypot(x * 0.5, y * 0.5);
    return c128{x * 0.25 / size / size, copysign_(PI / 2, y)};
  }
  const f64 angle = 0.5 * ::atan2(2 * y, (1 - a) * (1 + a) - y * y);
  if (a == 1 && b < 1e-150)
    return c128{copysign_(b == 0 ? infinity() : 0.5 * (LN2 - ::log(b)), x), b == 0 ? y : angle};
  const f64 size = 0.25 * ::log1p(4 * a / ((1 - a) * (1 - a) + y * y));
  return c128{copysign_(size, x), angle};
}
LT_CALLED c128 arc_cosine(c128 z) {
  const c128 a = area_cosine(z);
  if (nan_(a.re) && nan_(a.im)) return a;
  return c128{::fabs(a.im), signbit_(z.im) ? a.re : -a.re};
}

LT_CALLED c128 unit(c128 z) {
  const bool x = infinite_(z.re), y = infinite_(z.im);
  if (x && y) return c128{no_number(), no_number()};
  if (x) return c128{copysign_(1.0, z.re), 0};
  if (y) return c128{0, copysign_(1.0, z.im)};
  if (z.re == 0 && z.im == 0) return c128{0, 0};
  const f64 size = ::fmax(::fabs(z.re), ::fabs(z.im)) > 1e300 ? 0.25 : 1;
  const f64 a = z.re * size, b = z.im * size, r = ::hypot(a, b);
  return c128{a / r, b / r};
}

// Whole powers up to 100 by multiplication.
LT_CALLED c128 whole_power(c128 z, int n) {
  c128 found = c128{1, 0}, base = z;
  bool some = false;
  for (int left = n < 0 ? -n : n; left; left >>= 1, base = mul_(base, base))
    if (left & 1) found = some ? mul_(found, base) : base, some = true;
  return n < 0 ? quotient(c128{1, 0}, found) : found;
}
// A product that is infinite where a factor is, even if its other part is no number: C's.
LT_FN f64 side(f64 x) { return ::copysign(infinite_(x) ? 1.0 : 0.0, x); }
LT_FN f64 or_zero(f64 x) { return x != x ? ::copysign(0.0, x) : x; }
LT_CALLED c128 product_at_infinity(c128 z, c128 w) {
  const bool one = infinite_(z.re) || infinite_(z.im), other = infinite_(w.re) || infinite_(w.im);
  if (one) z = c128{side(z.re), side(z.im)};
  if (other) w = c128{side(w.re), side(w.im)};
  const c128 a = c128{or_zero(z.re), or_zero(z.im)}, b = c128{or_zero(w.re), or_zero(w.im)};
  const f64 infinity = bits_as<f64>(0x7ff0000000000000ull);
  return c128{infinity * (a.re * b.re - a.im * b.im), infinity * (a.re * b.im + a.im * b.re)};
}
LT_FN c128 whole_product(c128 z, c128 w) {
  const c128 found = mul_(z, w);
  const bool far = infinite_(z.re) || infinite_(z.im) || infinite_(w.re) || infinite_(w.im);
  return found.re != found.re && found.im != found.im && far ? product_at_infinity(z, w) : found;
}
LT_CALLED c128 complex_power(c128 z, c128 w) {
  if (w.re == 0 && w.im == 0) return c128{1, 0};
  if (z.re == 0 && z.im == 0)
    return w.re > 0 ? c128{0, 0} : c128{no_number(), no_number()};
  if (w.im == 0 && ::fabs(w.re) < 100 && w.re == ::trunc(w.re)) return whole_power(z, int(w.re));
  return exponential(whole_product(w, logarithm(z)));
}

LT_FN c128 doubled(c64 z) { return c128{z.re, z.im}; }
LT_FN c64 rounded(c128 z) { return c64{f32(z.re), f32(z.im)}; }
#define LT_COMPLEX(NAME, VALUE)                                                                    \
  LT_FN c128 NAME(c128 z) { return VALUE; }                                                        \
  LT_FN c64 NAME(c64 z) { return rounded(NAME(doubled(z))); }
LT_COMPLEX(sqrt_, square_root(z))
LT_COMPLEX(exp_, exponential(z))
LT_COMPLEX(log_, logarithm(z))
LT_COMPLEX(log1p_, logarithm_of_more(z))
LT_COMPLEX(sinh_, hyperbolic_sine(z))
LT_COMPLEX(cosh_, hyperbolic_cosine(z))
LT_COMPLEX(tanh_, hyperbolic_tangent(z))
LT_COMPLEX(sin_, turned_back(hyperbolic_sine(turned(z))))
LT_COMPLEX(cos_, hyperbolic_cosine(turned(z)))
LT_COMPLEX(tan_, turned_back(hyperbolic_tangent(turned(z))))
LT_COMPLEX(asinh_, area_sine(z))
LT_COMPLEX(acosh_, area_cosine(z))
LT_COMPLEX(atanh_, area_tangent(z))
LT_COMPLEX(asin_, turned_back(area_sine(turned(z))))
LT_COMPLEX(acos_, arc_cosine(z))
LT_COMPLEX(atan_, turned_back(area_tangent(turned(z))))
LT_COMPLEX(sign_, unit(z))
#undef LT_COMPLEX

LT_FN c128 expm1_(c128 z) { return exponential_less_one(z); }
LT_FN c64 expm1_(c64 z) {
  return z.im == 0 ? c64{expm1_(z.re) + 0.0f, z.im} : rounded(expm1_(doubled(z)));
}
LT_FN c128 times(c128 z, f64 by) { return c128{z.re * by, z.im * by}; }
LT_FN c128 log2_(c128 z) { return times(logarithm(z), 1 / LN2); }
LT_FN c64 log2_(c64 z) { return rounded(log2_(doubled(z))); }
LT_FN c128 log10_(c128 z) { return times(logarithm(z), 0.43429448190325182765); }
LT_FN c64 log10_(c64 z) { return rounded(log10_(doubled(z))); }
LT_FN c128 rint_(c128 z) { return c128{::rint(z.re), ::rint(z.im)}; }
LT_FN c64 rint_(c64 z) { return c64{::rintf(z.re), ::rintf(z.im)}; }
LT_FN c128 pow_(c128 z, c128 w) { return complex_power(z, w); }
LT_FN c64 pow_(c64 z, c64 w) { return rounded(complex_power(doubled(z), doubled(w))); }

}  // namespace lt
