// Windows over K trailing axes.

namespace lt {

// An axis of windows: how long it is and the bytes between its elements, elements of a window, from the
// start of one window to the next, from one element of a window to the next, where the first one starts.
struct WindowAxis { i64 n, stride, size, step, dilation, start; };
LT_FN WindowAxis window_axis(const i64 *w) { return WindowAxis{w[0], w[1], w[2], w[3], w[4], w[5]}; }

// Which elements of the window that begins at a place are inside an axis: from one to before another.
LT_FN i64 floor_of(i64 x, i64 y) { return x >= 0 ? x / y : ~(~x / y); }
LT_FN i64 first_inside(const WindowAxis &x, i64 place) {
  return place < 0 ? -floor_of(place, x.dilation) : 0;
}
LT_FN i64 last_inside(const WindowAxis &x, i64 place) {
  const i64 count = floor_of(x.n - 1 - place, x.dilation) + 1;
  return count < x.size ? count : x.size;
}

// The greatest element so far, and its place: the first such, or the last NaN.
template <class T> struct Greatest {
  T v;
  i64 at;
  LT_FN void see(T x, i64 place) {
    if (lt_(v, x) || isnan_(x)) v = x, at = place;
  }
};

// Goes over a window: `place` is how far it is, in elements, `p` in bytes.
template <class T, int K, int AXIS> struct Window {
  static LT_FN void see(Greatest<T> &best, const i64 (&at)[K], const i64 *axes, const char *p, i64 place) {
    const WindowAxis x = window_axis(axes + 6 * AXIS);
    const i64 begin = at[AXIS] * x.step + x.start, end = last_inside(x, begin);
    for (i64 k = first_inside(x, begin); k < end; ++k) {
      const i64 i = begin + k * x.dilation;
      Window<T, K, AXIS + 1>::see(best, at, axes, p + i * x.stride, place * x.n + i);
    }
  }
};
template <class T, int K> struct Window<T, K, K> {
  static LT_FN void see(Greatest<T> &best, const i64 (&)[K], const i64 *, const char *p, i64 place) {
    best.see(load<T>(p), place);
  }
};

template <class T> LT_FN T least_of() {
  if constexpr (kind<T> == 'h') return T{bits_as<f32>(0xff800000u)};
  else if constexpr (kind<T> == 'f') return T(bits_as<f32>(0xff800000u));
  else if constexpr (kind<T> == 'i') return T(typename Of<T>::wide(1) << (8 * sizeof(T) - 1));
  else return T(0);
}

// Words: to, from; threads, windows of a line; sizes of R axes of lines, strides of both; sizes of K axes of
// windows, strides of what comes of them; then six words for each of these axes.
template <class T, bool PLACES, int R, int K, class N> LT_FN void window_greatest(const i64 *w) {
  const i64 t = thread_number();
  if (t >= w[2]) return;
  const i64 *const sizes = w + 4, *const counts = sizes + 3 * R, *const axes = counts + 2 * K;
  const i64 line = i64(N(t) / N(w[3]));
  i64 row[R], at[K];
  split<R, N>(row, line, sizes);
  split<K, N>(at, t - line * w[3], counts);
  Greatest<T> best = {least_of<T>(), 0};
#pragma unroll
  for (int k = 0; k < K; ++k) {
    const WindowAxis x = window_axis(axes + 6 * k);
    const i64 begin = at[k] * x.step + x.start, place = begin + first_inside(x, begin) * x.dilation;
    best.at = best.at * x.n + (place < x.n ? place : x.n - 1);
  }
  Window<T, K, 0>::see(best, at, axes, pointer(w[1]) + offset(row, sizes + 2 * R), 0);
  char *const to = pointer(w[0]) + offset(row, sizes + R) + offset(at, counts + K);
  if constexpr (PLACES) store<i64>(to, best.at);
  else store<T>(to, best.v);
}

// Sums of windows where they overlap, in the order of the places of windows or, `BY_WINDOW`, of windows.
// Words: to, from; threads, places of a line; sizes of R axes of lines, strides of both; sizes of K axes,
// strides of what comes of them; then for each axis: windows and elements of one, how far these are apart,
// bytes between windows, and between elements of one, in what is read.
struct OverlapAxis { i64 windows, size, step, dilation, stride, within; };
LT_FN OverlapAxis overlap_axis(const i64 *w) { return OverlapAxis{w[0], w[1], w[2], w[3], w[4], w[5]}; }

template <class T, class A, bool BY_WINDOW, int K, int AXIS> struct Overlap {
  static LT_FN void add(A &sum, const i64 (&at)[K], const i64 *axes, const char *p) {
    const OverlapAxis x = overlap_axis(axes + 6 * AXIS);
    const i64 count = BY_WINDOW ? x.windows : x.size, other = BY_WINDOW ? x.size : x.windows;
    const i64 jump = BY_WINDOW ? x.step : x.dilation, unit = BY_WINDOW ? x.dilation : x.step;
    const i64 mine = BY_WINDOW ? x.stride : x.within, theirs = BY_WINDOW ? x.within : x.stride;
    for (i64 k = 0; k < count; ++k) {
      const i64 left = at[AXIS] - k * jump;
      if (left < 0) break;
      const i64 j = left / unit;
      if (j * unit == left && j < other)
        Overlap<T, A, BY_WINDOW, K, AXIS + 1>::add(sum, at, axes, p + k * mine + j * theirs);
    }
  }
};
template <class T, class A, bool BY_WINDOW, int K> struct Overlap<T, A, BY_WINDOW, K, K> {
  static LT_FN void add(A &sum, const i64 (&)[K], const i64 *, const char *p) {
    const T x = load<T>(p);
    if constexpr (kind<T> == 'h') sum = sum + x.v;
    else sum = add_(sum, x);
  }
};

template <class T, class A, bool BY_WINDOW, int R, int K, class N>
LT_FN void overlap_windows(const i64 *w) {
  const i64 t = thread_number();
  if (t >= w[2]) return;
  const i64 *const sizes = w + 4, *const counts = sizes + 3 * R, *const axes = counts + 2 * K;
  const i64 line = i64(N(t) / N(w[3]));
  i64 row[R], at[K];
  split<R, N>(row, line, sizes);
  split<K, N>(at, t - line * w[3], counts);
  A sum = {};
  Overlap<T, A, BY_WINDOW, K, 0>::add(sum, at, axes, pointer(w[1]) + offset(row, sizes + 2 * R));
  char *const to = pointer(w[0]) + offset(row, sizes + R) + offset(at, counts + K);
  if constexpr (kind<T> == 'h') store<T>(to, T::of(sum));
  else store<T>(to, sum);
}

}  // namespace lt
