// Numbers as kernels hold them, and as they lie in memory. Half precision is held in single, rounded
// after every instruction; what is shorter than a register is held in its own type.

namespace lt {

typedef signed char i8;
typedef short i16;
typedef int i32;
typedef long long i64;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef float f32;
typedef double f64;

template <class To, class From> LT_FN To bits_as(From x) {
  static_assert(sizeof(To) == sizeof(From), "as many bits");
  To y;
  memcpy(&y, &x, sizeof(To));
  return y;
}

#ifndef LT_HOST
LT_FN u16 half_bits(f32 x) { u16 h; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(x)); return h; }
LT_FN u16 half_bits(f64 x) { u16 h; asm("cvt.rn.f16.f64 %0, %1;" : "=h"(h) : "d"(x)); return h; }
LT_FN f32 half_value(u16 h) { f32 x; asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(h)); return x; }
#endif

// The upper half of a single, rounded to even.
LT_FN u16 brief_bits(f32 x) {
  const u32 b = bits_as<u32>(x);
  return u16(x != x ? (b >> 16 | 0x40) : (b + 0x7fff + (b >> 16 & 1)) >> 16);
}
LT_FN f32 brief_value(u16 h) { return bits_as<f32>(u32(h) << 16); }

struct f16 {
  f32 v;
  static LT_FN f16 get(u16 h) { return f16{half_value(h)}; }
  LT_FN u16 put() const { return half_bits(v); }
  static LT_FN f16 of(f32 x) { return get(half_bits(x)); }
  static LT_FN f16 of(f64 x) { return get(half_bits(x)); }
};
struct bf16 {
  f32 v;
  static LT_FN bf16 get(u16 h) { return bf16{brief_value(h)}; }
  LT_FN u16 put() const { return brief_bits(v); }
  static LT_FN bf16 of(f32 x) { return get(brief_bits(x)); }
  static LT_FN bf16 of(f64 x) { return of(f32(x)); }
};
struct alignas(8) c64 { f32 re, im; };
struct alignas(16) c128 { f64 re, im; };

// The kind of a type ('h' is half precision), its type in memory, an unsigned one for its arithmetic,
// and the type of its parts.
template <class T> struct Of;
#define LT_TYPE(T, KIND, MEMORY, UNSIGNED, PART)                                                   \
  template <> struct Of<T> {                                                                       \
    static constexpr char kind = KIND;                                                             \
    typedef MEMORY memory;                                                                         \
    typedef UNSIGNED wide;                                                                         \
    typedef PART part;                                                                             \
  };
LT_TYPE(bool, 'b', u8, u32, bool)
LT_TYPE(i8, 'i', i8, u32, i8)
LT_TYPE(i16, 'i', i16, u32, i16)
LT_TYPE(i32, 'i', i32, u32, i32)
LT_TYPE(i64, 'i', i64, u64, i64)
LT_TYPE(u8, 'u', u8, u32, u8)
LT_TYPE(u16, 'u', u16, u32, u16)
LT_TYPE(u32, 'u', u32, u32, u32)
LT_TYPE(u64, 'u', u64, u64, u64)
LT_TYPE(f16, 'h', u16, u32, f16)
LT_TYPE(bf16, 'h', u16, u32, bf16)
LT_TYPE(f32, 'f', f32, u32, f32)
LT_TYPE(f64, 'f', f64, u64, f64)
LT_TYPE(c64, 'c', c64, u32, f32)
LT_TYPE(c128, 'c', c128, u64, f64)
#undef LT_TYPE

template <class T> constexpr char kind = Of<T>::kind;
template <class T> constexpr bool is_integer = kind<T> == 'i' || kind<T> == 'u';
template <class T> using memory = typename Of<T>::memory;
template <class T> using part = typename Of<T>::part;
template <class A, class B> struct Same { static constexpr bool value = false; };
template <class A> struct Same<A, A> { static constexpr bool value = true; };

template <class T> LT_FN T from_memory(memory<T> m) {
  if constexpr (kind<T> == 'b') return m != 0;
  else if constexpr (kind<T> == 'h') return T::get(m);
  else return m;
}
template <class T> LT_FN memory<T> to_memory(T x) {
  if constexpr (kind<T> == 'b') return u8(x);
  else if constexpr (kind<T> == 'h') return x.put();
  else return x;
}

// Half precision is multiplied and summed in single.
template <class T> struct Summed { typedef T type; };
template <> struct Summed<f16> { typedef f32 type; };
template <> struct Summed<bf16> { typedef f32 type; };
template <class T> LT_FN typename Summed<T>::type widened(T x) {
  if constexpr (kind<T> == 'h') return x.v;
  else return x;
}
template <class T> LT_FN T narrowed(typename Summed<T>::type x) {
  if constexpr (kind<T> == 'h') return T::of(x);
  else return x;
}

// --- memory: places are pointers to bytes -----------------------------------------------------------

template <class T> LT_FN T load(const char *p) {
  return from_memory<T>(*reinterpret_cast<const memory<T> *>(p));
}
template <class T> LT_FN void store(char *p, T x) {
  *reinterpret_cast<memory<T> *>(p) = to_memory(x);
}

// A whole number of bytes that is read or written at once.
template <int BYTES> struct Word;
template <> struct Word<1> { typedef u8 type; };
template <> struct Word<2> { typedef u16 type; };
template <> struct Word<4> { typedef u32 type; };
template <> struct Word<8> { typedef u64 type; };
struct alignas(16) Quad { u32 a, b, c, d; };
template <> struct Word<16> { typedef Quad type; };

template <int BYTES> constexpr int word_bytes = BYTES < 16 ? BYTES : 16;

// V neighbours from element i on, of n there are: at once, or one by one where some are missing, which
// are then the last one again.
template <class T, int V> LT_FN void load_wide(T (&x)[V], const char *p, i64 i, i64 n) {
  constexpr int size = sizeof(memory<T>), bytes = V * size, step = word_bytes<bytes>;
  p += i * size;
  if (i + V <= n) {
    memory<T> m[V];
#pragma unroll
    for (int b = 0; b < bytes; b += step) {
      const auto w = *reinterpret_cast<const typename Word<step>::type *>(p + b);
      memcpy(reinterpret_cast<char *>(m) + b, &w, step);
    }
#pragma unroll
    for (int k = 0; k < V; ++k) x[k] = from_memory<T>(m[k]);
  } else {
#pragma unroll
    for (int k = 0; k < V; ++k) x[k] = load<T>(p + (i + k < n ? k : n - 1 - i) * size);
  }
}
template <class T, int V> LT_FN void store_wide(char *p, i64 i, i64 n, const T (&x)[V]) {
  constexpr int size = sizeof(memory<T>), bytes = V * size, step = word_bytes<bytes>;
  p += i * size;
  if (i + V <= n) {
    memory<T> m[V];
#pragma unroll
    for (int k = 0; k < V; ++k) m[k] = to_memory(x[k]);
#pragma unroll
    for (int b = 0; b < bytes; b += step) {
      typename Word<step>::type w;
      memcpy(&w, reinterpret_cast<const char *>(m) + b, step);
      *reinterpret_cast<typename Word<step>::type *>(p + b) = w;
    }
  } else {
#pragma unroll
    for (int k = 0; k < V; ++k)
      if (i + k < n) store<T>(p + k * size, x[k]);
  }
}

}  // namespace lt
