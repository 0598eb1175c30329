// Folds of rows: what a thread gathers, and how the threads of a block join it. Sums and products follow
// the tree of lazytensor/ops/_tree.py: 32 lanes, of which lane i has the elements i, i + 32, …; eight of
// them are joined in order, these groups in order, lanes in halves.

namespace lt {

// What a fold's accumulator is, its value for no element, an element joined to it, two of them joined
// (the first comes first), and its result.
template <class T> struct Add {
  typedef T acc;
  static LT_FN acc start() { return zero(T()); }
  static LT_FN acc step(acc a, T x, i64) { return add_(a, x); }
  static LT_FN acc join(acc a, acc b) { return add_(a, b); }
  static LT_FN T result(acc a) { return add_(a, positive(T())); }
  // -0, to which anything may be added.
  template <class F> static LT_FN F zero(F) {
    if constexpr (kind<F> == 'c') return F{part<F>(-0.0), part<F>(-0.0)};
    else if constexpr (kind<F> == 'f') return F(-0.0);
    else return F(0);
  }
  template <class F> static LT_FN F positive(F) {
    if constexpr (kind<F> == 'c') return F{0, 0};
    else return F(0);
  }
};
template <class T> struct Mul {
  typedef T acc;
  static LT_FN acc start() { return T(1); }
  static LT_FN acc step(acc a, T x, i64) { return mul_(a, x); }
  static LT_FN acc join(acc a, acc b) { return mul_(a, b); }
  static LT_FN T result(acc a) { return a; }
};
// Half precision is summed in single.
template <template <class> class F, class H> struct Wide {
  typedef f32 acc;
  static LT_FN acc start() { return F<f32>::start(); }
  static LT_FN acc step(acc a, H x, i64 c) { return F<f32>::step(a, x.v, c); }
  static LT_FN acc join(acc a, acc b) { return F<f32>::join(a, b); }
};
template <class H> struct WideAdd : Wide<Add, H> {
  static LT_FN H result(f32 a) { return add_(H::of(a), H{0.0f}); }
};
template <class H> struct WideMul : Wide<Mul, H> {
  static LT_FN H result(f32 a) { return H::of(a); }
};
template <> struct Add<f16> : WideAdd<f16> {};
template <> struct Add<bf16> : WideAdd<bf16> {};
template <> struct Mul<f16> : WideMul<f16> {};
template <> struct Mul<bf16> : WideMul<bf16> {};

// Of complex numbers nothing is neutral: a product knows whether it has a factor.
template <class C> struct Product {
  struct acc { C v; i32 some; };
  static LT_FN acc start() { return acc{C{1, 0}, 0}; }
  static LT_FN acc step(acc a, C x, i64) { return join(a, acc{x, 1}); }
  static LT_FN acc join(acc a, acc b) {
    return !a.some ? b : !b.some ? a : acc{mul_(a.v, b.v), 1};
  }
  static LT_FN C result(acc a) { return a.v; }
};
template <> struct Mul<c64> : Product<c64> {};
template <> struct Mul<c128> : Product<c128> {};

template <class T> LT_FN T least() {
  if constexpr (kind<T> == 'h') return T{bits_as<f32>(0xff800000u)};
  else if constexpr (kind<T> == 'f') return T(bits_as<f32>(0xff800000u));
  else if constexpr (kind<T> == 'i') return T(typename Of<T>::wide(1) << (8 * sizeof(T) - 1));
  else return T(0);
}
template <class T> LT_FN T greatest() {
  if constexpr (kind<T> == 'h') return T{bits_as<f32>(0x7f800000u)};
  else if constexpr (kind<T> == 'f') return T(bits_as<f32>(0x7f800000u));
  else if constexpr (kind<T> == 'b') return true;
  else return T(~least<T>());
}
template <class T> LT_FN bool negative_zero(T x) {
  if constexpr (kind<T> == 'h') return signbit_(x.v);
  else if constexpr (kind<T> == 'f') return signbit_(x);
  else return false;
}

// NaN if any is; -0 is less than 0.
template <class T, bool LARGEST> struct Extremum {
  typedef T acc;
  static LT_FN acc start() { return LARGEST ? least<T>() : greatest<T>(); }
  static LT_FN acc step(acc a, T x, i64) { return join(a, x); }
  static LT_FN acc join(acc a, acc b) {
    if (isnan_(a) || isnan_(b)) return isnan_(a) ? a : b;
    const acc low = LARGEST ? a : b, high = LARGEST ? b : a;
    return lt_(low, high) || (eq_(a, b) && negative_zero(low)) ? b : a;
  }
  static LT_FN T result(acc a) { return a; }
};
template <class T> struct Max : Extremum<T, true> {};
template <class T> struct Min : Extremum<T, false> {};
template <class T> struct Or : Max<T> {};
template <class T> struct And : Min<T> {};

// The place of the first greatest (least) element, or of the first NaN.
template <class T, bool LARGEST> struct Place {
  struct acc { T v; i64 at; };
  static LT_FN acc start() {
    return acc{LARGEST ? least<T>() : greatest<T>(), i64(0x7fffffffffffffffull)};
  }
  static LT_FN acc step(acc a, T x, i64 c) { return join(a, acc{x, c}); }
  static LT_FN acc join(acc a, acc b) {
    const bool x = isnan_(a.v), y = isnan_(b.v);
    const bool beyond = LARGEST ? lt_(a.v, b.v) : lt_(b.v, a.v);
    const bool same = (x && y) || eq_(a.v, b.v);
    return (!x && (y || beyond)) || (same && b.at < a.at) ? b : a;
  }
  static LT_FN i64 result(acc a) { return a.at; }
};
template <class T> struct ArgMax : Place<T, true> {};
template <class T> struct ArgMin : Place<T, false> {};

// --- between threads --------------------------------------------------------------------------------

// A value of another thread of the warp, word by word.
template <class A> struct Words4 { u32 w[(sizeof(A) + 3) / 4]; };
template <class A> LT_FN A from_lane(A a, int lane) {
  Words4<A> m = {};
  memcpy(&m, &a, sizeof(A));
#pragma unroll
  for (u32 &w : m.w) w = __shfl_sync(0xffffffffu, w, lane);
  memcpy(&a, &m, sizeof(A));
  return a;
}

// Lanes folded in halves where they are those of a warp, or of a part of it where rows are short; all of
// them have the result.
template <class F> LT_FN typename F::acc fold_warp(typename F::acc a) {
  const int lanes = blockDim.x, first = threadIdx.y * lanes & 31;
#pragma unroll
  for (int d = 16; d; d /= 2)
    if (d < lanes) a = F::join(a, from_lane(a, first + (threadIdx.x + d & lanes - 1)));
  return from_lane(a, first);
}

// The groups that the warps of a row have, joined in order, then their lanes: threads are
// (lane, row, warp). All threads of the row have the result.
struct Along {
  template <class F> static LT_FN typename F::acc fold(typename F::acc a, char *memory) {
    if (blockDim.z == 1) return fold_warp<F>(a);
    typedef typename F::acc A;
    A *room = reinterpret_cast<A *>(memory) + threadIdx.y * blockDim.z * 32;
    room[threadIdx.z * 32 + threadIdx.x] = a;
    __syncthreads();
    if (threadIdx.z == 0) {
      for (int w = 1; w < blockDim.z; ++w) a = F::join(a, room[w * 32 + threadIdx.x]);
      a = fold_warp<F>(a);
      if (threadIdx.x == 0) room[0] = a;
    }
    __syncthreads();
    a = room[0];
    __syncthreads();
    return a;
  }
  template <class F> static LT_FN typename F::acc lanes(typename F::acc a, char *) {
    return fold_warp<F>(a);
  }
  static LT_FN int lane() { return threadIdx.x; }
  static LT_FN bool writes() { return threadIdx.x == 0 && threadIdx.z == 0; }
};

// Where neighbouring threads have neighbouring rows, lanes are folded in shared memory: threads are
// (row, lane).
struct Across {
  template <class F> static LT_FN typename F::acc fold(typename F::acc a, char *memory) {
    typedef typename F::acc A;
    A *room = reinterpret_cast<A *>(memory) + threadIdx.x;
    const int row = blockDim.x, lane = threadIdx.y;
    room[lane * row] = a;
    __syncthreads();
#pragma unroll
    for (int d = 16; d; d /= 2) {
      if (lane < d) room[lane * row] = F::join(room[lane * row], room[(lane + d) * row]);
      __syncthreads();
    }
    a = room[0];
    __syncthreads();
    return a;
  }
  template <class F> static LT_FN typename F::acc lanes(typename F::acc a, char *memory) {
    return fold<F>(a, memory);
  }
  static LT_FN int lane() { return threadIdx.y; }
  static LT_FN bool writes() { return threadIdx.y == 0; }
};

}  // namespace lt
