// Copies between arrays that lie in any way.

namespace lt {

// Words: to, from; rows, n, chunks; bytes between neighbours of both; sizes of R axes, strides of both.
// With V > 1 neighbours lie one behind another.
template <int BYTES, int V, int R, class N> LT_FN void copy_cells(const i64 *w) {
  const Mine<N, V> mine(w[2], w[4]);
  if (!mine.there) return;
  const i64 *const sizes = w + 7;
  i64 at[R];
  split<R, N>(at, mine.row, sizes);
  char *const to = pointer(w[0]) + offset(at, sizes + R) + mine.first * w[5];
  const char *const from = pointer(w[1]) + offset(at, sizes + 2 * R) + mine.first * w[6];
  if constexpr (V > 1) move_near<BYTES, V>(to, from, w[3] - mine.first);
  else move<BYTES>(to, from);
}

// Words: to; rows, n, chunks; bytes between neighbours; sizes of R axes, strides.
template <int BYTES, int V, int R, class N> LT_FN void clear_cells(const i64 *w) {
  const Mine<N, V> mine(w[1], w[3]);
  if (!mine.there) return;
  const i64 *const sizes = w + 5;
  i64 at[R];
  split<R, N>(at, mine.row, sizes);
  const Cell<16> nothing[1] = {};
  char *const to = pointer(w[0]) + offset(at, sizes + R) + mine.first * w[4];
  if constexpr (V > 1) {
    if (w[2] - mine.first >= V && !(reinterpret_cast<u64>(to) & 15)) {
      *reinterpret_cast<Cell<16> *>(to) = nothing[0];
      return;
    }
#pragma unroll
    for (int k = 0; k < V; ++k)
      if (mine.first + k < w[2]) memset(to + k * BYTES, 0, BYTES);
  } else {
    memset(to, 0, BYTES);
  }
}

// Tiles of 32 by 32 elements by way of shared memory, where neighbours of one array lie across those of
// the other; blocks are of 32 by 8 threads. Words: to, from; how long the axis is along which the second
// array's neighbours are, and how many tiles, the same of the first one's; strides of both along the one
// and along the other; sizes of R axes, strides of both.
template <int BYTES, int R, class N> LT_FN void copy_tiles(const i64 *w, char *room) {
  const i64 m = w[2], n = w[4], *const sizes = w + 10;
  const i64 across = i64(N(blockIdx.x) / N(w[5])), row = i64(N(across) / N(w[3]));
  const i64 i0 = (across - row * w[3]) * 32, j0 = (blockIdx.x - across * w[5]) * 32;
  i64 at[R];
  split<R, N>(at, row, sizes);
  char *const to = pointer(w[0]) + offset(at, sizes + R);
  const char *const from = pointer(w[1]) + offset(at, sizes + 2 * R);
  const int x = threadIdx.x;
#pragma unroll
  for (int y = threadIdx.y; y < 32; y += 8)
    if (i0 + x < m && j0 + y < n)
      move<BYTES>(room + (y * 33 + x) * BYTES, from + (i0 + x) * w[7] + (j0 + y) * w[9]);
  __syncthreads();
#pragma unroll
  for (int y = threadIdx.y; y < 32; y += 8)
    if (i0 + y < m && j0 + x < n)
      move<BYTES>(to + (i0 + y) * w[6] + (j0 + x) * w[8], room + (x * 33 + y) * BYTES);
}

}  // namespace lt
