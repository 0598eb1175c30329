// Scalar instructions on real numbers, by the names of lazytensor/ir/scalar.py with a _ behind: IEEE's
// results for NaN, infinities and -0, integers that wrap, no division, shift or conversion that traps or
// is undefined.

namespace lt {

template <class T> struct Half {};
template <> struct Half<f16> { typedef f16 type; };
template <> struct Half<bf16> { typedef bf16 type; };
template <class H> using half = typename Half<H>::type;

// --- arithmetic ---------------------------------------------------------------------------------------

#define LT_ARITHMETIC(NAME, SIGN, LOGIC)                                                           \
  template <class T> LT_FN T NAME(T x, T y) {                                                      \
    if constexpr (kind<T> == 'b') return LOGIC;                                                    \
    else if constexpr (is_integer<T>)                                                              \
      return T(typename Of<T>::wide(x) SIGN typename Of<T>::wide(y));                              \
    else if constexpr (kind<T> == 'h') return T::of(x.v SIGN y.v);                                 \
    else return x SIGN y;                                                                          \
  }
LT_ARITHMETIC(add_, +, x || y)
LT_ARITHMETIC(sub_, -, x != y)
LT_ARITHMETIC(mul_, *, x && y)
#undef LT_ARITHMETIC

LT_FN f32 div_(f32 x, f32 y) { return x / y; }
LT_FN f64 div_(f64 x, f64 y) { return x / y; }
template <class H> LT_FN half<H> div_(H x, H y) { return H::of(x.v / y.v); }

template <class T> LT_FN T neg_(T x) {
  if constexpr (is_integer<T>) return T(typename Of<T>::wide(0) - typename Of<T>::wide(x));
  else if constexpr (kind<T> == 'h') return T{-x.v};
  else return -x;
}

// --- bits and shifts ----------------------------------------------------------------------------------

template <class T> LT_FN T and_(T x, T y) { return T(x & y); }
template <class T> LT_FN T or_(T x, T y) { return T(x | y); }
template <class T> LT_FN T xor_(T x, T y) { return T(x ^ y); }
template <class T> LT_FN T invert_(T x) {
  if constexpr (kind<T> == 'b') return !x;
  else return T(~x);
}
// By the width or more, or less than 0: 0, or -1 for a negative number shifted right.
template <class T> LT_FN T shl_(T x, T y) {
  typedef typename Of<T>::wide U;
  return u64(y) < 8 * sizeof(T) ? T(U(x) << U(y)) : T(0);
}
template <class T> LT_FN T shr_(T x, T y) {
  return u64(y) < 8 * sizeof(T) ? T(x >> y) : T(x < T(0) ? -1 : 0);
}

// --- comparisons --------------------------------------------------------------------------------------

#define LT_COMPARE(NAME, SIGN)                                                                     \
  template <class T> LT_FN bool NAME(T x, T y) {                                                   \
    if constexpr (kind<T> == 'h') return x.v SIGN y.v;                                             \
    else return x SIGN y;                                                                          \
  }
LT_COMPARE(lt_, <)
LT_COMPARE(le_, <=)
#undef LT_COMPARE
template <class T> LT_FN bool eq_(T x, T y) {
  if constexpr (kind<T> == 'h') return x.v == y.v;
  else if constexpr (kind<T> == 'c') return x.re == y.re && x.im == y.im;
  else return x == y;
}
template <class T> LT_FN bool ne_(T x, T y) { return !eq_(x, y); }
template <class T> LT_FN T select_(bool c, T x, T y) { return c ? x : y; }

LT_FN bool nan_(f32 x) { return x != x; }
LT_FN bool nan_(f64 x) { return x != x; }
LT_FN bool infinite_(f32 x) { return ::fabsf(x) == bits_as<f32>(0x7f800000u); }
LT_FN bool infinite_(f64 x) { return ::fabs(x) == bits_as<f64>(0x7ff0000000000000ull); }
LT_FN bool signbit_(f32 x) { return bits_as<u32>(x) >> 31; }
LT_FN bool signbit_(f64 x) { return bits_as<u64>(x) >> 63; }
template <class T> LT_FN bool signbit_(T x) {
  if constexpr (kind<T> == 'i') return x < 0;
  else if constexpr (kind<T> == 'u' || kind<T> == 'b') return false;
  else return signbit_(static_cast<half<T>>(x).v);
}

template <class T> LT_FN bool isnan_(T x) {
  if constexpr (kind<T> == 'f') return nan_(x);
  else if constexpr (kind<T> == 'h') return nan_(x.v);
  else if constexpr (kind<T> == 'c') return nan_(x.re) || nan_(x.im);
  else return false;
}
template <class T> LT_FN bool isinf_(T x) {
  if constexpr (kind<T> == 'f') return infinite_(x);
  else if constexpr (kind<T> == 'h') return infinite_(x.v);
  else if constexpr (kind<T> == 'c') return infinite_(x.re) || infinite_(x.im);
  else return false;
}
template <class T> LT_FN bool isfinite_(T x) { return !isnan_(x) && !isinf_(x); }

// The first where it is NaN or beyond, else the second; of zeros that differ in sign the second, in half
// precision the first.
template <class T> LT_FN T max_(T x, T y) {
  if constexpr (Same<T, f16>::value) return x.v >= y.v || nan_(x.v) ? x : y;
  else return lt_(y, x) || isnan_(x) ? x : y;
}
template <class T> LT_FN T min_(T x, T y) {
  if constexpr (Same<T, f16>::value) return x.v <= y.v || nan_(x.v) ? x : y;
  else return lt_(x, y) || isnan_(x) ? x : y;
}

// --- signs and roundings ------------------------------------------------------------------------------

LT_FN f32 abs_(f32 x) { return ::fabsf(x); }
LT_FN f64 abs_(f64 x) { return ::fabs(x); }
template <class T> LT_FN T abs_(T x) {
  if constexpr (kind<T> == 'h') return T{::fabsf(x.v)};
  else if constexpr (kind<T> == 'i') return x < T(0) ? neg_(x) : x;
  else return x;
}
template <class T> LT_FN T sign_(T x) {
  if constexpr (Same<T, bf16>::value) return x.v == 0 ? x : T{sign_(x.v)};  // of -0 it is -0
  else if constexpr (kind<T> == 'h') return T{sign_(x.v)};
  else if constexpr (kind<T> == 'f') return x > 0 ? T(1) : x < 0 ? T(-1) : x != x ? x : T(0);
  else return T((x > T(0)) - (x < T(0)));
}
template <class T> LT_FN T real_(T x) { return x; }
template <class T> LT_FN T conj_(T x) { return x; }

// A function of one number: in single, in double; half precision by way of single.
#define LT_UNARY(NAME, SINGLE, DOUBLE)                                                             \
  LT_FN f32 NAME(f32 x) { return SINGLE; }                                                         \
  LT_FN f64 NAME(f64 x) { return DOUBLE; }                                                         \
  template <class H> LT_FN half<H> NAME(H x) { return H::of(NAME(x.v)); }
#define LT_BINARY(NAME, SINGLE, DOUBLE)                                                            \
  LT_FN f32 NAME(f32 x, f32 y) { return SINGLE; }                                                  \
  LT_FN f64 NAME(f64 x, f64 y) { return DOUBLE; }                                                  \
  template <class H> LT_FN half<H> NAME(H x, H y) { return H::of(NAME(x.v, y.v)); }

LT_UNARY(sqrt_, ::sqrtf(x), ::sqrt(x))
LT_UNARY(floor_, ::floorf(x), ::floor(x))
LT_UNARY(ceil_, ::ceilf(x), ::ceil(x))
LT_UNARY(trunc_, ::truncf(x), ::trunc(x))
LT_UNARY(rint_, ::rintf(x), ::rint(x))
LT_BINARY(copysign_, ::copysignf(x, y), ::copysign(x, y))

// --- elementary functions: CUDA's own; where those in single are off by more than 2 units of the last
// place, those in double, rounded ---------------------------------------------------------------------

LT_UNARY(exp_, ::expf(x), ::exp(x))
LT_UNARY(expm1_, ::expm1f(x), ::expm1(x))
LT_UNARY(log_, ::logf(x), ::log(x))
LT_UNARY(log1p_, ::log1pf(x), ::log1p(x))
LT_UNARY(log2_, ::log2f(x), ::log2(x))
LT_UNARY(log10_, ::log10f(x), ::log10(x))
LT_UNARY(sin_, ::sinf(x), ::sin(x))
LT_UNARY(cos_, ::cosf(x), ::cos(x))
LT_UNARY(tan_, f32(::tan(f64(x))), ::tan(x))
LT_UNARY(asin_, ::asinf(x), ::asin(x))
LT_UNARY(acos_, ::acosf(x), ::acos(x))
LT_UNARY(atan_, ::atanf(x), ::atan(x))
LT_UNARY(sinh_, f32(::sinh(f64(x))), ::sinh(x))
LT_UNARY(cosh_, ::coshf(x), ::cosh(x))
LT_UNARY(tanh_, ::tanhf(x), ::tanh(x))
LT_UNARY(asinh_, f32(::asinh(f64(x))), ::asinh(x))
LT_UNARY(acosh_, f32(::acosh(f64(x))), ::acosh(x))
LT_UNARY(atanh_, f32(::atanh(f64(x))), ::atanh(x))
LT_UNARY(erf_, ::erff(x), ::erf(x))
LT_BINARY(atan2_, f32(::atan2(f64(x), f64(y))), ::atan2(x, y))
LT_BINARY(hypot_, f32(::hypot(f64(x), f64(y))), ::hypot(x, y))

template <class T> LT_FN T sum_of_exponentials(T x, T y) {
  if (x == y) return x + T(0.693147180559945309417232121458176568);
  const T d = x - y;
  return d > 0 ? x + log1p_(exp_(-d)) : d <= 0 ? y + log1p_(exp_(d)) : d;
}
LT_BINARY(logaddexp_, sum_of_exponentials<f32>(x, y), sum_of_exponentials<f64>(x, y))

// Neighbours of a number in half precision, by its bits.
LT_FN u16 next_bits(u16 x, u16 y, bool less) {
  if (!(x & 0x7fff)) return u16((y & 0x8000) | 1);
  return u16(less == !(x & 0x8000) ? x + 1 : x - 1);
}
LT_FN f32 nextafter_(f32 x, f32 y) { return ::nextafterf(x, y); }
LT_FN f64 nextafter_(f64 x, f64 y) { return ::nextafter(x, y); }
template <class H> LT_FN half<H> nextafter_(H x, H y) {
  if (nan_(x.v) || nan_(y.v)) return H{x.v + y.v};
  if (x.v == y.v) return Same<H, f16>::value ? x : y;
  return H::get(next_bits(x.put(), y.put(), x.v < y.v));
}

// --- division ---------------------------------------------------------------------------------------

// y, or 1 where dividing by it would trap.
template <class T> LT_FN T divisor(T x, T y) {
  if constexpr (kind<T> == 'i')
    if (y == T(-1) && x == neg_(x)) return T(1);
  return y == T(0) ? T(1) : y;
}
template <class T> LT_FN T integer_rest(T x, T y) { return T(x % divisor(x, y)); }

LT_FN f32 float_rest(f32 x, f32 y) { return ::fmodf(x, y); }
LT_FN f64 float_rest(f64 x, f64 y) { return ::fmod(x, y); }
template <class T> LT_FN bool opposed(T rest, T y) {
  return rest != T(0) && (rest < T(0)) != (y < T(0));
}
template <class T> LT_FN T float_mod(T x, T y) {
  const T r = float_rest(x, y);
  return r == 0 && y != 0 ? copysign_(r, y) : opposed(r, y) && y != 0 ? r + y : r;
}
template <class T> LT_FN T float_floordiv(T x, T y) {
  const T r = float_rest(x, y), ratio = x / y;
  T q = (x - r) / y;
  if (opposed(r, y)) q -= T(1);
  T down = floor_(q);
  if (q - down > T(0.5)) down += T(1);
  return y == 0 ? ratio : q == 0 ? copysign_(T(0), ratio) : down;
}

template <class T> LT_FN T fmod_(T x, T y) {
  if constexpr (kind<T> == 'h') return T::of(float_rest(x.v, y.v));
  else if constexpr (kind<T> == 'f') return float_rest(x, y);
  else return y == T(0) ? T(0) : integer_rest(x, y);
}
template <class T> LT_FN T mod_(T x, T y) {
  if constexpr (kind<T> == 'h') return T::of(float_mod(x.v, y.v));
  else if constexpr (kind<T> == 'f') return float_mod(x, y);
  else {
    if (y == T(0)) return T(0);
    const T r = integer_rest(x, y);
    return opposed(r, y) ? T(r + y) : r;
  }
}
template <class T> LT_FN T floordiv_(T x, T y) {
  if constexpr (kind<T> == 'h') return T::of(float_floordiv(x.v, y.v));
  else if constexpr (kind<T> == 'f') return float_floordiv(x, y);
  else {
    if (y == T(0)) return T(0);
    const T by = divisor(x, y), q = T(x / by);
    return opposed(T(x % by), by) ? T(q - 1) : q;
  }
}

// Powers of integers, by squaring; to negative powers the truncated quotient.
template <class T> LT_FN T integer_power(T x, T y) {
  const bool negative = y < T(0);
  typedef typename Of<T>::wide U;
  U left = negative ? U(y & 1) : U(y), base = U(x), found = 1;
  for (; left; left >>= 1, base *= base)
    if (left & 1) found *= base;
  return negative && x != T(1) && x != T(-1) ? T(0) : T(found);
}
LT_FN f32 pow_(f32 x, f32 y) { return f32(::pow(f64(x), f64(y))); }
LT_FN f64 pow_(f64 x, f64 y) { return ::pow(x, y); }
template <class T> LT_FN T pow_(T x, T y) {
  if constexpr (kind<T> == 'h') return T::of(pow_(x.v, y.v));
  else return integer_power(x, y);
}

// --- conversions --------------------------------------------------------------------------------------

// Towards zero; NaN and what is out of range is the least number.
template <class F> LT_FN i32 to_i32(F x) {
  const bool inside = f64(x) < 2147483648.0 && f64(x) > -2147483649.0;
  return inside ? i32(x) : i32(0x80000000u);
}
template <class F> LT_FN i64 to_i64(F x) {
  const bool inside = x < F(9223372036854775808.0) && x >= F(-9223372036854775808.0);
  return inside ? i64(x) : i64(0x8000000000000000ull);
}
// The low bits of the conversion to 32 bits, or to 64 where those don't do.
template <class T, class F> LT_FN T to_integer(F x) {
  if constexpr (Same<T, u64>::value) {
    const F limit = F(9223372036854775808.0);
    return x >= limit ? u64(to_i64(x - limit)) ^ 0x8000000000000000ull : u64(to_i64(x));
  } else if constexpr (sizeof(T) == 8 || Same<T, u32>::value) return T(to_i64(x));
  else return T(to_i32(x));
}
// What a conversion reads: single for half precision, the real part of a complex number.
template <class T> LT_FN auto source(T x) {
  if constexpr (kind<T> == 'h') return x.v;
  else if constexpr (kind<T> == 'c') return x.re;
  else return x;
}
template <class T, class F> LT_FN T cast_(F x) {
  if constexpr (Same<T, F>::value) return x;
  else if constexpr (kind<T> == 'b' && kind<F> == 'c') return x.re != 0 || x.im != 0;
  else if constexpr (kind<T> == 'b') return source(x) != 0;
  else if constexpr (kind<T> == 'c' && kind<F> == 'c') return T{part<T>(x.re), part<T>(x.im)};
  else if constexpr (kind<T> == 'c') return T{part<T>(source(x)), 0};
  else if constexpr (kind<T> == 'h' && (is_integer<F> || kind<F> == 'b')) return T::of(f32(x));
  else if constexpr (kind<T> == 'h') return T::of(source(x));
  else if constexpr (is_integer<T> && (kind<F> == 'f' || kind<F> == 'h' || kind<F> == 'c'))
    return to_integer<T>(source(x));
  else return T(source(x));
}

}  // namespace lt
