// Sorts of records, of which no two are equal: a number that stands for an element's rank, and its place.
// Tiles are sorted in shared memory by Batcher's bitonic sort, and merged by twos: a record's place in the
// merged run is known when it is looked up in the other one.

namespace lt {

// Rank and place in 64 bits, where both have at most 32, else in 128.
struct Packed {
  u64 word;
  static LT_FN Packed of(u64 rank, i64 place) { return Packed{rank << 32 | u64(place)}; }
  static LT_FN Packed last() { return Packed{~u64(0)}; }
  LT_FN i64 place() const { return i64(word & 0xffffffffu); }
  LT_FN u64 rank() const { return word >> 32; }
  LT_FN bool before(Packed other) const { return word < other.word; }
};
struct alignas(16) Apart {
  u64 first, second;
  static LT_FN Apart of(u64 rank, i64 place) { return Apart{rank, u64(place)}; }
  static LT_FN Apart last() { return Apart{~u64(0), ~u64(0)}; }
  LT_FN i64 place() const { return i64(second); }
  LT_FN u64 rank() const { return first; }
  LT_FN bool before(Apart other) const {
    return first != other.first ? first < other.first : second < other.second;
  }
};

// Numbers without a sign that are in the order of elements: zeros are equal, NaN is the greatest.
template <class T> LT_FN u64 rank_of(T x) {
  if constexpr (kind<T> == 'h') return rank_of(x.v);
  else if constexpr (Same<T, f32>::value) {
    if (nan_(x)) return 0xffffffffu;
    const u32 b = bits_as<u32>(x + 0.0f);
    return b >> 31 ? u32(~b) : b | 0x80000000u;
  } else if constexpr (Same<T, f64>::value) {
    if (nan_(x)) return ~u64(0);
    const u64 b = bits_as<u64>(x + 0.0);
    return b >> 63 ? ~b : b | 0x8000000000000000ull;
  } else if constexpr (kind<T> == 'i' && sizeof(T) == 8) return u64(x) ^ 0x8000000000000000ull;
  else if constexpr (kind<T> == 'i') return u32(i32(x)) ^ 0x80000000u;
  else return u64(x);
}

// Records of lines of n elements. Words: to, from; lines, n, bytes between elements, all bits or none,
// which ranks are turned around by; sizes of R axes of lines, strides.
template <class T, class K, int R, class N> LT_FN void make_records(const i64 *w, u64 bits) {
  const i64 t = thread_number();
  if (t >= w[2] * w[3]) return;
  const i64 line = i64(N(t) / N(w[3])), i = t - line * w[3], *const sizes = w + 6;
  i64 at[R];
  split<R, N>(at, line, sizes);
  const T x = load<T>(pointer(w[1]) + offset(at, sizes + R) + i * w[4]);
  reinterpret_cast<K *>(pointer(w[0]))[t] = K::of(rank_of(x) ^ (u64(w[5]) & bits), i);
}

constexpr int TILE = 1024, SORTERS = 256;

// Tiles of `size` records, a power of two, of which a block has as many as there is room for. Words:
// records; lines, n; size, tiles of a line.
template <class K> LT_FN void sort_tiles(const i64 *w, char *memory) {
  K *const all = reinterpret_cast<K *>(pointer(w[0])), *const room = reinterpret_cast<K *>(memory);
  const int size = int(w[3]), each = TILE / size;
  const i64 first = i64(blockIdx.x) * each, tiles = w[1] * w[4];
#pragma unroll
  for (int step = 0; step < TILE; step += SORTERS) {
    const int k = step + threadIdx.x;
    const i64 tile = first + k / size, line = tile / w[4], i = (tile - line * w[4]) * size + k % size;
    room[k] = tile < tiles && i < w[2] ? all[line * w[2] + i] : K::last();
  }
  __syncthreads();
  for (int run = 2; run <= size; run *= 2)
    for (int d = run / 2; d; d /= 2) {
#pragma unroll
      for (int step = 0; step < TILE / 2; step += SORTERS) {
        const int t = step + threadIdx.x, i = (t & ~(d - 1)) * 2 + (t & (d - 1));
        const bool up = !(i & run & (size - 1));
        const K x = room[i], y = room[i + d];
        if (y.before(x) == up) room[i] = y, room[i + d] = x;
      }
      __syncthreads();
    }
#pragma unroll
  for (int step = 0; step < TILE; step += SORTERS) {
    const int k = step + threadIdx.x;
    const i64 tile = first + k / size, line = tile / w[4], i = (tile - line * w[4]) * size + k % size;
    if (tile < tiles && i < w[2]) all[line * w[2] + i] = room[k];
  }
}

// How many of n sorted records come before one.
template <class K> LT_FN i64 before(const K *run, i64 n, K x) {
  i64 low = 0, high = n;
  while (low < high) {
    const i64 middle = (low + high) / 2;
    if (run[middle].before(x)) low = middle + 1;
    else high = middle;
  }
  return low;
}
// Runs of so many records of each line merged by twos, of which the first ones are kept. Words: to, from;
// lines, n, length of a run; what n becomes, and the length.
template <class K, class N> LT_FN void merge_runs(const i64 *w) {
  const i64 t = thread_number(), n = w[3], length = w[4];
  if (t >= w[2] * n) return;
  const i64 line = i64(N(t) / N(n)), i = t - line * n, number = i64(N(i) / N(length * 2));
  const i64 pair = number * length * 2;
  const i64 middle = pair + length < n ? pair + length : n;
  const i64 end = middle + length < n ? middle + length : n;
  const K *const from = reinterpret_cast<const K *>(pointer(w[1])) + line * n;
  const K x = from[i];
  const i64 others = i < middle ? before(from + middle, end - middle, x)
                                : before(from + pair, middle - pair, x);
  const i64 place = (i < middle ? i - pair : i - middle) + others;
  if (place < w[6]) reinterpret_cast<K *>(pointer(w[0]))[line * w[5] + number * w[6] + place] = x;
}

// From a start on, so many places of each line. Words: to, records; lines, count, n, start, bytes between
// results; sizes of R axes of lines, strides.
template <class K, int R, class N> LT_FN void put_places(const i64 *w) {
  const i64 t = thread_number();
  if (t >= w[2] * w[3]) return;
  const i64 line = i64(N(t) / N(w[3])), i = t - line * w[3], *const sizes = w + 7;
  i64 at[R];
  split<R, N>(at, line, sizes);
  const K x = reinterpret_cast<const K *>(pointer(w[1]))[line * w[4] + w[5] + i];
  store<i64>(pointer(w[0]) + offset(at, sizes + R) + i * w[6], x.place());
}
// The elements at these places. Words: to, records, elements; lines, n, bytes between results and between
// elements; sizes of R axes of lines, strides of both.
template <class K, int BYTES, int R, class N> LT_FN void put_sorted(const i64 *w) {
  const i64 t = thread_number();
  if (t >= w[3] * w[4]) return;
  const i64 line = i64(N(t) / N(w[4])), i = t - line * w[4], *const sizes = w + 7;
  i64 at[R];
  split<R, N>(at, line, sizes);
  const K x = reinterpret_cast<const K *>(pointer(w[1]))[t];
  move<BYTES>(pointer(w[0]) + offset(at, sizes + R) + i * w[5],
              pointer(w[2]) + offset(at, sizes + 2 * R) + x.place() * w[6]);
}

// Where elements would be inserted into n sorted ones: before those that are as great, or behind.
// Words: to, elements, sorted; count, n, bytes between sorted ones; sizes of R axes, strides of both.
template <class T, bool BEHIND, int R, class N> LT_FN void search_sorted(const i64 *w) {
  const i64 t = thread_number();
  if (t >= w[3]) return;
  const i64 *const sizes = w + 6;
  i64 at[R];
  split<R, N>(at, t, sizes);
  const u64 x = rank_of(load<T>(pointer(w[1]) + offset(at, sizes + 2 * R)));
  i64 low = 0, high = w[4];
  while (low < high) {
    const i64 middle = (low + high) / 2;
    const u64 y = rank_of(load<T>(pointer(w[2]) + middle * w[5]));
    if (BEHIND ? y <= x : y < x) low = middle + 1;
    else high = middle;
  }
  store<i64>(pointer(w[0]) + offset(at, sizes + R), low);
}

}  // namespace lt
