// Elements that are moved as they are, whatever they mean: cells of so many bytes, at places along axes.

namespace lt {

template <int BYTES> using Cell = typename Word<BYTES>::type;

// An index as places along R axes of these sizes; divided in type N.
template <int R, class N> LT_FN void split(i64 (&at)[R], i64 index, const i64 *sizes) {
  N rest = N(index);
#pragma unroll
  for (int k = R - 1; k > 0; --k) {
    const N n = N(sizes[k]), quotient = rest / n;
    at[k] = i64(N(rest - quotient * n));
    rest = quotient;
  }
  at[0] = i64(rest);
}
// Bytes to these places.
template <int R> LT_FN i64 offset(const i64 (&at)[R], const i64 *strides) {
  i64 sum = at[0] * strides[0];
#pragma unroll
  for (int k = 1; k < R; ++k) sum += at[k] * strides[k];
  return sum;
}
LT_FN char *pointer(i64 word) { return reinterpret_cast<char *>(word); }
LT_FN i64 thread_number() { return i64(blockIdx.x) * blockDim.x + threadIdx.x; }

template <int BYTES> LT_FN void move(char *to, const char *from) {
  *reinterpret_cast<Cell<BYTES> *>(to) = *reinterpret_cast<const Cell<BYTES> *>(from);
}
// Up to V neighbours that lie one behind another, 16 bytes: at once where all are there and begin at
// such a place.
template <int BYTES, int V> LT_FN void move_near(char *to, const char *from, i64 left) {
  if (left >= V && !((reinterpret_cast<u64>(to) | reinterpret_cast<u64>(from)) & 15)) {
    move<16>(to, from);
    return;
  }
#pragma unroll
  for (int k = 0; k < V; ++k)
    if (k < left) move<BYTES>(to + k * BYTES, from + k * BYTES);
}

// A thread of `rows` times `chunks`, of which each has V neighbours of n.
template <class N, int V> struct Mine {
  i64 row, first;
  bool there;
  LT_FN Mine(i64 rows, i64 chunks) {
    const i64 t = thread_number();
    there = t < rows * chunks;
    row = there ? i64(N(t) / N(chunks)) : 0;
    first = (t - row * chunks) * V;
  }
};

}  // namespace lt
