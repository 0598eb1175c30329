// Convolutions as products of matrices that are never made: rows of the first are read as they lie, columns
// of the second are windows. Each element's products are added in order of their depth.

namespace lt {

LT_FN f32 multiply_add(f32 x, f32 y, f32 z) { return ::fmaf(x, y, z); }
LT_FN f64 multiply_add(f64 x, f64 y, f64 z) { return ::fma(x, y, z); }
template <class T> LT_FN T multiply_add(T x, T y, T z) {
  if constexpr (kind<T> == 'c')
    return T{multiply_add(-x.im, y.im, multiply_add(x.re, y.re, z.re)),
             multiply_add(x.im, y.re, multiply_add(x.re, y.im, z.im))};
  else return add_(z, mul_(x, y));
}

// The words of a product over windows along K axes. Columns and depths are places along K + 1 axes, of
// which the first isn't one of windows.
template <int K> struct Contraction {
  static constexpr int R = K + 1;
  const i64 *w;
  LT_FN i64 rows() const { return w[3]; }
  LT_FN i64 columns() const { return w[4]; }
  LT_FN i64 depth() const { return w[5]; }
  LT_FN i64 groups() const { return w[6]; }
  LT_FN i64 parts() const { return w[7]; }
  LT_FN i64 part_depth() const { return w[8]; }
  LT_FN const char *first(i64 group, i64 row) const {
    return pointer(w[1]) + group * w[9] + row * w[10];
  }
  LT_FN const char *second(i64 group) const { return pointer(w[2]) + group * w[11]; }
  LT_FN char *to(i64 group, i64 row) const { return pointer(w[0]) + group * w[12] + row * w[13]; }
  LT_FN i64 second_depth() const { return w[14]; }
  LT_FN i64 second_column() const { return w[15]; }
  LT_FN const i64 *depths() const { return w + 16; }            // sizes, strides in the first
  LT_FN const i64 *cells() const { return w + 16 + 2 * R; }     // sizes, strides in the result
  LT_FN const i64 *axis(int k) const { return w + 16 + 4 * R + 6 * k; }
};

// Whether a place of a column and a place of a depth meet inside an axis, and where: words are how long it
// is, bytes between neighbours, what a depth counts, what a column counts, where counting begins, and what
// counts are divided by.
LT_FN bool meets(const i64 *axis, i64 count, i64 &bytes) {
  if (count < 0) return false;
  i64 place = count;
  if (axis[5] != 1) {
    place = count / axis[5];
    if (place * axis[5] != count) return false;
  }
  bytes += place * axis[1];
  return place < axis[0];
}

constexpr int DEEP = 16, MULTIPLIERS = 256;
template <int K> struct Depth {
  i64 first, second, counts[K];
  bool there;
};

// Tiles of 64 by 64 elements, of which a thread has 4 by 4, or half as many of the widest along each edge;
// with several parts of the depth, each part's sums are left in memory, and added up by others.
template <class T, int K, bool WHOLE> LT_FN void multiply_windows(const i64 *w, char *memory) {
  typedef typename Summed<T>::type A;
  constexpr int R = K + 1, SIDE = sizeof(A) > 8 ? 2 : 4, EDGE = 16 * SIDE;
  const Contraction<K> of = {w};
  const u32 row_tiles = u32((of.rows() + EDGE - 1) / EDGE);
  const u32 column_tiles = u32((of.columns() + EDGE - 1) / EDGE);
  u32 block = blockIdx.x;
  const i64 part = block % u32(of.parts());
  block /= u32(of.parts());
  const i64 column0 = i64(block % column_tiles) * EDGE;
  block /= column_tiles;
  const i64 row0 = i64(block % row_tiles) * EDGE, group = block / row_tiles;
  A *const left = reinterpret_cast<A *>(memory), *const right = left + (EDGE + 1) * DEEP;
  Depth<K> *const depths = reinterpret_cast<Depth<K> *>(right + EDGE * DEEP);

  // Neighbouring threads read neighbours of a row along the depth, and neighbouring columns.
  const int mine = threadIdx.x % EDGE, level = threadIdx.x / EDGE, deep = threadIdx.x % DEEP;
  const bool column_there = column0 + mine < of.columns();
  i64 at[R], begin[K];
  split<R, u64>(at, column_there ? column0 + mine : 0, of.cells());
#pragma unroll
  for (int k = 0; k < K; ++k) begin[k] = at[k + 1] * of.axis(k)[3] + of.axis(k)[4];
  const char *const y = of.second(group) + at[0] * of.second_column();

  A sums[SIDE][SIDE] = {};
  const i64 first = part * of.part_depth(), rest = of.depth() - first;
  const i64 end = first + (rest < of.part_depth() ? rest : of.part_depth());
  for (i64 d0 = first; d0 < end; d0 += DEEP) {
    if (threadIdx.x < DEEP) {
      Depth<K> &depth = depths[threadIdx.x];
      i64 places[R];
      depth.there = d0 + threadIdx.x < end;
      split<R, u64>(places, depth.there ? d0 + threadIdx.x : 0, of.depths());
      depth.first = offset(places, of.depths() + R);
      depth.second = places[0] * of.second_depth();
#pragma unroll
      for (int k = 0; k < K; ++k) depth.counts[k] = places[k + 1] * of.axis(k)[2];
    }
    __syncthreads();
#pragma unroll
    for (int l = 0; l < DEEP; l += MULTIPLIERS / EDGE) {
      const Depth<K> &depth = depths[level + l];
      i64 bytes = depth.second;
      bool inside = depth.there && column_there;
#pragma unroll
      for (int k = 0; k < K; ++k)
        inside = inside && meets(of.axis(k), begin[k] + depth.counts[k], bytes);
      right[(level + l) * EDGE + mine] = inside ? widened(load<T>(y + bytes)) : A{};
    }
#pragma unroll
    for (int i = 0; i < EDGE; i += MULTIPLIERS / DEEP) {
      const int row = i + threadIdx.x / DEEP;
      const bool there = depths[deep].there && row0 + row < of.rows();
      const char *const x = of.first(group, row0 + row) + depths[deep].first;
      left[deep * (EDGE + 1) + row] = there ? widened(load<T>(x)) : A{};
    }
    __syncthreads();
    const int i0 = threadIdx.x / 16, j0 = threadIdx.x % 16;
#pragma unroll 4
    for (int l = 0; l < DEEP; ++l) {
      A a[SIDE], b[SIDE];
#pragma unroll
      for (int i = 0; i < SIDE; ++i) a[i] = left[l * (EDGE + 1) + i0 + 16 * i];
#pragma unroll
      for (int j = 0; j < SIDE; ++j) b[j] = right[l * EDGE + j0 + 16 * j];
#pragma unroll
      for (int i = 0; i < SIDE; ++i)
#pragma unroll
        for (int j = 0; j < SIDE; ++j) sums[i][j] = multiply_add(a[i], b[j], sums[i][j]);
    }
    __syncthreads();
  }
#pragma unroll
  for (int j = 0; j < SIDE; ++j) {
    const i64 column = column0 + threadIdx.x % 16 + 16 * j;
    if (column >= of.columns()) continue;
    split<R, u64>(at, column, of.cells());
    const i64 bytes = offset(at, of.cells() + R);
#pragma unroll
    for (int i = 0; i < SIDE; ++i) {
      const i64 row = row0 + threadIdx.x / 16 + 16 * i;
      if (row >= of.rows()) continue;
      if constexpr (WHOLE) store<T>(of.to(group, row) + bytes, narrowed<T>(sums[i][j]));
      else
        reinterpret_cast<A *>(pointer(w[0]))[((part * of.groups() + group) * of.rows() + row) *
                                                 of.columns() + column] = sums[i][j];
    }
  }
}

// A thread's element: its group, row and column.
template <int K, class N> struct Element {
  i64 group, row, column, at[K + 1];
  bool there;
  LT_FN explicit Element(const Contraction<K> &of) {
    const i64 t = thread_number(), each = of.rows() * of.columns();
    there = t < of.groups() * each;
    group = there ? i64(N(t) / N(each)) : 0;
    row = there ? i64(N(t - group * each) / N(of.columns())) : 0;
    column = there ? t - group * each - row * of.columns() : 0;
    split<K + 1, N>(at, column, of.cells());
  }
};

// The sums of parts, added in order. The second word is where they are.
template <class T, int K, class N> LT_FN void add_parts(const i64 *w) {
  typedef typename Summed<T>::type A;
  const Contraction<K> of = {w};
  const Element<K, N> mine(of);
  if (!mine.there) return;
  const A *const parts = reinterpret_cast<const A *>(pointer(w[1]));
  const i64 all = of.groups() * of.rows() * of.columns(), t = thread_number();
  A sum = parts[t];
  for (i64 k = 1; k < of.parts(); ++k) sum = add_(sum, parts[k * all + t]);
  char *const to = of.to(mine.group, mine.row) + offset(mine.at, of.cells() + K + 1);
  store<T>(to, narrowed<T>(sum));
}

// Goes over a window.
template <class T, int K, int AXIS> struct Taps {
  typedef typename Summed<T>::type A;
  static LT_FN void add(A &sum, const Contraction<K> &of, const i64 (&at)[K + 1], const char *x,
                        const char *y) {
    const i64 *const axis = of.axis(AXIS), size = of.depths()[AXIS + 1];
    const i64 stride = of.depths()[K + 1 + AXIS + 1], begin = at[AXIS + 1] * axis[3] + axis[4];
    for (i64 k = 0; k < size; ++k) {
      i64 bytes = 0;
      if (meets(axis, begin + k * axis[2], bytes))
        Taps<T, K, AXIS + 1>::add(sum, of, at, x + k * stride, y + bytes);
    }
  }
};
template <class T, int K> struct Taps<T, K, K> {
  typedef typename Summed<T>::type A;
  static LT_FN void add(A &sum, const Contraction<K> &, const i64 (&)[K + 1], const char *x,
                        const char *y) {
    sum = multiply_add(widened(load<T>(x)), widened(load<T>(y)), sum);
  }
};
// Where groups have few rows: a thread has an element.
template <class T, int K, class N> LT_FN void go_over_windows(const i64 *w) {
  const Contraction<K> of = {w};
  const Element<K, N> mine(of);
  if (!mine.there) return;
  typename Summed<T>::type sum = {};
  const char *x = of.first(mine.group, mine.row);
  const char *y = of.second(mine.group) + mine.at[0] * of.second_column();
  for (i64 k = 0; k < of.depths()[0]; ++k, x += of.depths()[K + 1], y += of.second_depth())
    Taps<T, K, 0>::add(sum, of, mine.at, x, y);
  char *const to = of.to(mine.group, mine.row) + offset(mine.at, of.cells() + K + 1);
  store<T>(to, narrowed<T>(sum));
}

}  // namespace lt
